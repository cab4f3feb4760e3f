"""Defines the Django app `bureau.django`, which has the outbox's table and the commands."""

from django.apps import AppConfig


class BureauConfig(AppConfig):
    name = "bureau.django"
    label = "bureau"
    verbose_name = "Bureau"
    default_auto_field = "django.db.models.BigAutoField"
