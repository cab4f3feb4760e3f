"""Configures the clinic. DB names its database, a file."""

import os
from pathlib import Path

from celery.schedules import crontab

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only for the example"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "config.urls"
USE_TZ = True
TIME_ZONE = "Europe/Madrid"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "bureau.django", "clinic"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DB", BASE_DIR / "clinic.sqlite3"),
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
EMAIL_BACKEND = os.environ.get("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")

CELERY_BROKER_URL = "redis://localhost:6379/0"  # of no use here: Celery's projects have it
CELERY_TIMEZONE = "Europe/Madrid"
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_TASK_ROUTES = {"clinic.tasks.statement_*": {"queue": "statements"}}
CELERY_BEAT_SCHEDULE = {
    "close the day": {"task": "clinic.tasks.close_day", "schedule": crontab(hour=20, minute=30, day_of_week="mon-sat")},
    "look for reminders": {"task": "clinic.tasks.remind_all", "schedule": 900.0, "options": {"expires": 600}},
}
