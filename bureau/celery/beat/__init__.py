"""Makes Bureau's schedules of `beat_schedule` and of django-celery-beat's tables."""
