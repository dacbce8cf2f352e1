"""The link in every message, mounted at /u/."""

from django.urls import path

from engine.channels import views

urlpatterns = [path("<str:token>", views.withdraw_by_link, name="withdraw-by-link")]
