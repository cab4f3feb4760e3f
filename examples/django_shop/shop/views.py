"""Takes orders, and says how they stand."""

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from shop.models import Order
from shop.tasks import receipt


@csrf_exempt
@require_POST
def order(request: HttpRequest) -> JsonResponse:
    """Stores an order and enqueues its receipt: both are committed, or neither."""
    with transaction.atomic():
        made = Order.objects.create(customer=request.POST["customer"], total=request.POST["total"])
        made.job = receipt.enqueue(made.pk).id
        made.save(update_fields=["job"])
    return JsonResponse({"number": made.pk, "job": made.job}, status=201)


@require_GET
def state(_request: HttpRequest, number: int) -> JsonResponse:
    """Says how far the receipt of an order is."""
    found = get_object_or_404(Order, pk=number)
    result = receipt.get_result(found.job)
    return JsonResponse({"number": number, "state": result.status, "receipt": found.receipt})
