"""Holds the settings of the example. DB names a file for SQLite, or a PostgreSQL database as NAME@HOST:PORT."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-this-example")
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "config.urls"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "bureau.django",
    "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
MEDIA_ROOT = os.environ.get("MEDIA_ROOT", str(BASE_DIR / "media"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _database(text: str) -> dict[str, object]:
    name, at, server = text.partition("@")
    if not at:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": text,
            "OPTIONS": {"timeout": 30},
            "TEST": {"NAME": f"{text}.test"},
        }
    host, _, port = server.partition(":")
    return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": name, "HOST": host, "PORT": port}


DATABASES = {"default": _database(os.environ.get("DB", str(BASE_DIR / "shop.sqlite3")))}
TASKS = {
    "default": {
        "BACKEND": "bureau.django.backend.BureauBackend",
        "QUEUES": ["default", "slow"],
        "OPTIONS": {"URL": os.environ.get("BUREAU_URL", "http://127.0.0.1:8600")},
    }
}
BUREAU_SCHEDULES = {
    "greet-ada": {"cron": "0 7 * * 1-5", "time_zone": "Europe/Paris", "task": "shop.tasks.remind", "args": ["Ada"]},
}
