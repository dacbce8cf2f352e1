"""Addresses of the public pages: the language first, so that a link in a letter keeps it."""

from __future__ import annotations

from django.urls import include, path, register_converter

from governance.privacy_center.languages import LanguageConverter
from governance.privacy_center.views import choices, confirmations, guardians, home, papers, requests, website_forms

register_converter(LanguageConverter, "lang")

app_name = "privacy_center"

_pages = [
    path("", home.home, name="home"),
    path("choices/", choices.ask, name="choices"),
    path("choices/<str:token>/", choices.of_person, name="choices_of"),
    path("choices/<str:token>/history/", choices.history_of, name="history"),
    path("choices/<str:token>/receipt/<uuid:event_id>/", choices.receipt, name="receipt"),
    path("consent/", choices.give, name="give"),
    path("consent/child/", guardians.give, name="give_for_child"),
    path("consent/<str:token>/", choices.give_confirm, name="give_confirm"),
    path("confirm/<str:token>/", confirmations.confirm, name="confirm_consent"),
    path("forms/<slug:key>/", website_forms.plain, name="website_form"),
    path("requests/new/", requests.new, name="request_new"),
    path("requests/", requests.track, name="track"),
    path("requests/revoke/", requests.revoke, name="revoke"),
    path("requests/package/", requests.download, name="download"),
    path("requests/certificate/", requests.certificate, name="certificate"),
    path("requests/<str:reference>/confirm/", requests.confirm, name="confirm"),
    path("requests/<str:reference>/code/", requests.resend, name="resend"),
    path("notices/", papers.notice_list, name="notices"),
    path("notices/<uuid:notice_id>/", papers.notice, name="notice"),
    path("proof/", papers.proof, name="proof"),
]
urlpatterns = [
    path("", home.root, name="root"),
    path("forms/zgoda-form.js", website_forms.script, name="form_script"),
    path("forms/<slug:key>.json", website_forms.asked, name="form_asked"),
    path("forms/<slug:key>/answers", website_forms.answers, name="form_answers"),
    path("<lang:language>/", include(_pages)),
    path("<lang:language>/<path:anything>/", home.missing, name="missing"),
]
