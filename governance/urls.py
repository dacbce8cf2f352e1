"""Every address of the service: a package brings its own `urlpatterns`, this module says where they hang."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from governance import health, problem_pages
from governance.console import consent_views as consent_console
from governance.console import gap_views as gap_console
from governance.console import log_views as log_console
from governance.console import notice_views as notice_console
from governance.console import views as console
from pseudonymize import api as pseudonymize

# Where each package's `api.urlpatterns` hangs under /api/v1/. What is asked most comes first: addresses are tried in order.
APIS = {
    "consent": "consent.api",
    "accounts": "governance.accounts.key_api",
    "audit": "audit.api",
    "pseudonymize": "pseudonymize.api",
    "aggregates": "governance.aggregates.api",
    "events": "engine.events.api",
    "channels": "engine.channels.api",
    "dsar": "dsar.api",
}
# Public pages beside the API.
PAGES = {
    ".well-known/": "consent.public_urls",
    "log/": "audit.publication.public_urls",
    "u/": "engine.channels.public_urls",
    "": "governance.privacy_center.urls",
}


urlpatterns: list[URLPattern | URLResolver] = [
    *[path(f"api/v1/{name}/", include(module)) for name, module in APIS.items()],
    path("livez", health.livez),
    path("readyz", health.readyz),
    # Browsers ask for it on pages that name no icon: the login, problem pages, a JSON answer.
    path("favicon.ico", RedirectView.as_view(url=static("privacy_center/mark.svg"), permanent=True)),
    path("problems/<slug:code>", problem_pages.page, name="problem"),
    path("console/log/entries/", admin.site.admin_view(log_console.explorer), name="console_log_explorer"),
    path("console/log/entries/<uuid:entry_id>/", admin.site.admin_view(log_console.entry), name="console_log_entry"),
    path("console/log/gaps/", admin.site.admin_view(gap_console.gap_list), name="console_log_gaps"),
    path("console/log/gaps/<uuid:entry_id>/", admin.site.admin_view(gap_console.gap), name="console_log_gap"),
    path("console/log/verify/", admin.site.admin_view(log_console.verify), name="console_log_verify"),
    path("console/log/", admin.site.admin_view(console.log), name="console_log"),
    path("console/consent/", admin.site.admin_view(consent_console.explorer), name="console_consent"),
    path("console/consent/notices/new/", admin.site.admin_view(notice_console.publish_notice), name="console_notice"),
    path(
        "console/consent/notices/<slug:key>/",
        admin.site.admin_view(notice_console.history),
        name="console_notice_history",
    ),
    path(
        "console/consent/subjects/<str:subject>/",
        admin.site.admin_view(consent_console.subject),
        name="console_consent_subject",
    ),
    path("console/decisions/", include("governance.console.decision_urls")),
    path("console/", admin.site.urls),
    path("staff/", include("governance.accounts.urls")),
    path(
        "api/v1/openapi.json",
        SpectacularJSONAPIView.as_view(permission_classes=[], authentication_classes=[]),
        name="openapi",
    ),
    path(
        "api/v1/docs",
        SpectacularSwaggerView.as_view(url_name="openapi", permission_classes=[], authentication_classes=[]),
    ),
    path("api/v1/", include(pseudonymize.top)),
    path("api/v1/", include("audit.decision_api")),
    path("", include("governance.privacy_center.decision_urls")),
    *[path(prefix, include(module)) for prefix, module in PAGES.items()],
]
handler404 = "governance.problem_pages.not_found"
handler500 = "governance.problem_pages.server_error"
