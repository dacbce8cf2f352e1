"""Addresses of the pages about automated decisions, behind the person's own link."""

from __future__ import annotations

from django.urls import path

from governance.privacy_center import urls  # noqa: F401 - registers the converter of languages
from governance.privacy_center.views import decisions

app_name = "decisions"

urlpatterns = [
    path("<lang:language>/choices/<str:token>/decisions/", decisions.of_person, name="of_person"),
    path("<lang:language>/choices/<str:token>/decisions/<uuid:decision_id>/", decisions.why, name="why"),
    path("<lang:language>/choices/<str:token>/decisions/<uuid:decision_id>/paper/", decisions.paper, name="paper"),
]
