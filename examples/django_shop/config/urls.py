"""Lists the project's addresses."""

from django.contrib import admin
from django.urls import path
from shop.views import order, state

urlpatterns = [path("admin/", admin.site.urls), path("orders", order), path("orders/<int:number>", state)]
