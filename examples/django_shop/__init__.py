"""Is a Django project with tasks on Bureau; docs/django.md walks through it."""
