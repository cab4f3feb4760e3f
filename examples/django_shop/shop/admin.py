"""Shows orders in the admin, each with the job that makes its receipt."""

from django.contrib import admin
from shop.models import Order

from bureau.django.admin.mixin import BureauJobMixin


@admin.register(Order)
class OrderAdmin(BureauJobMixin, admin.ModelAdmin):
    list_display = ("customer", "total", "bureau_job_link")
