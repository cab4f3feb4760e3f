"""Names the clinic's addresses."""

from clinic import views
from django.urls import path

urlpatterns = [
    path("visits/", views.book),
    path("visits/import/", views.import_file),
    path("statements/<int:year>/", views.statement),
    path("tasks/<str:task_id>/", views.task_status),
]
