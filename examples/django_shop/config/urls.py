"""Lists the project's addresses."""

from django.urls import path
from shop.views import order, state

urlpatterns = [path("orders", order), path("orders/<int:number>", state)]
