"""Addresses of the console's pages about decisions."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from governance.console import decision_views as views

_view = admin.site.admin_view
urlpatterns = [
    path("", _view(views.explorer), name="console_decisions"),
    path("<uuid:decision_id>/", _view(views.decision), name="console_decision"),
    path("<uuid:decision_id>/review/", _view(views.review), name="console_decision_review"),
    path("<uuid:decision_id>/receipt/", _view(views.receipt), name="console_decision_receipt"),
    path("<uuid:decision_id>/paper/<str:tier>/", _view(views.paper), name="console_decision_paper"),
]
