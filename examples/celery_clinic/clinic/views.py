"""Answers requests; each is a transaction (ATOMIC_REQUESTS)."""

from celery.result import AsyncResult
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from .models import Animal, Visit
from .tasks import import_visits, remind
from .tasks import statement as canvas_of


@csrf_exempt
def book(request):
    animal, _ = Animal.objects.get_or_create(name=request.POST["animal"], owner_email=request.POST["email"])
    visit = Visit.objects.create(animal=animal, day=request.POST["day"], fee=request.POST.get("fee", 0))
    visit.task_id = remind.delay(visit.pk).id
    visit.save(update_fields=["task_id"])
    if request.POST.get("fail"):
        raise RuntimeError("the transaction is rolled back")
    return JsonResponse({"visit": visit.pk, "task_id": visit.task_id}, status=202)


@csrf_exempt
def import_file(request):
    return JsonResponse({"task_id": import_visits.delay(request.POST["path"]).id}, status=202)


@csrf_exempt
def statement(request, year):
    return JsonResponse({"task_id": canvas_of(year).delay().id}, status=202)


def task_status(request, task_id):
    result = AsyncResult(task_id)
    told = {"status": result.status}
    if result.status == "PROGRESS":
        told["progress"] = result.info
    elif result.successful():
        told["result"] = result.get()
    elif result.failed():
        told["error"] = str(result.result)
    return JsonResponse(told)
