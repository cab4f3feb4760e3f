"""Defines orders."""

from django.db import models


class Order(models.Model):
    """Holds an order. `job` is the id of the task that makes its receipt."""

    customer = models.CharField(max_length=100)
    total = models.DecimalField(max_digits=10, decimal_places=2)
    receipt = models.TextField(blank=True)
    invoice = models.FileField(upload_to="invoices/", blank=True)
    job = models.CharField(max_length=36, blank=True)

    def __str__(self) -> str:
        return f"Order {self.pk} of {self.customer}"
