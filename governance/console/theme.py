"""How the console looks and how its rooms are ordered in the side bar: settings of the admin theme, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


def _link(name: str) -> Callable[[HttpRequest], str]:
    def link(request: HttpRequest) -> str:
        try:
            return reverse(name)
        except NoReverseMatch:  # an optional part is not installed
            return ""

    return link


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    """Whether the visitor may see the list of `app_label.model`; what one may not see does not stand in the side bar."""
    app, _, name = model.partition(".")

    def permitted(request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"{app}.view_{name}"))

    return permitted


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    app, _, name = model.partition(".")
    return {
        "title": title,
        "icon": icon,
        "link": _link(f"admin:{app}_{name}_changelist"),
        "permission": _may_view(model),
    }


_ROOMS: dict[str, list[dict[str, Any]]] = {
    "": [
        {"title": "Today", "icon": "today", "link": _link("admin:index")},
        {
            "title": "Verify the log",
            "icon": "verified",
            "link": _link("console_log"),
            "permission": _may_view("audit.entry"),
        },
    ],
    "Requests of people": [
        _item("Requests", "inbox", "dsar.subjectrequest"),
        _item("Certificates", "workspace_premium", "dsar.certificate"),
    ],
    "Consent": [
        {
            "title": "Explorer",
            "icon": "monitoring",
            "link": _link("console_consent"),
            "permission": _may_view("consent.consentevent"),
        },
        {
            "title": "Publish a notice",
            "icon": "edit_document",
            "link": _link("console_notice"),
            "permission": _may_view("consent.noticeversion"),
        },
        _item("Ledger", "history", "consent.consentevent"),
        _item("States", "toggle_on", "consent.consentstate"),
        _item("Notices", "article", "consent.noticeversion"),
        _item("Website forms", "dynamic_form", "privacy_center.websiteform"),
        _item("Purposes", "flag", "purposes.purpose"),
        _item("Processing record (Art. 30)", "receipt_long", "purposes.processingactivity"),
    ],
    "Pseudonyms and keys": [
        _item("Data subjects", "person_off", "pseudonymize.datasubject"),
        _item("Domains", "key", "pseudonymize.domain"),
        _item("Policies", "policy", "pseudonymize.policyversion"),
        _item("Manifests", "inventory", "pseudonymize.manifest"),
        _item("Requests to reveal", "visibility", "pseudonymize.revealrequest"),
        _item("Bridges", "swap_horiz", "pseudonymize.joingrant"),
        _item("Keys", "vpn_key", "pseudonymize.keyencryptionkey"),
    ],
    "Evidence": [
        {
            "title": "Log explorer",
            "icon": "list_alt",
            "link": _link("console_log_explorer"),
            "permission": _may_view("audit.entry"),
        },
        {
            "title": "Gaps in the log",
            "icon": "playlist_remove",
            "link": _link("console_log_gaps"),
            "permission": _may_view("audit.entry"),
        },
        _item("Checkpoints", "where_to_vote", "audit.checkpoint"),
        {
            "title": "Decisions",
            "icon": "balance",
            "link": _link("console_decisions"),
            "permission": _may_view("audit.decision"),
        },
        _item("Reviews of decisions", "gavel", "audit.review"),
        _item("Changes of configuration", "edit_note", "auditlog.logentry"),
    ],
    "Privacy budget": [
        _item("Budgets", "savings", "aggregates.budget"),
        _item("Releases", "publish", "aggregates.release"),
    ],
    "Registers": [
        _item("Retention rules", "auto_delete", "retention.retentionrule"),
        _item("Breaches", "warning", "incidents.personaldatabreach"),
        _item("AI systems", "smart_toy", "airegister.aisystem"),
        _item("Datasets", "dataset", "catalogue.dataset"),
    ],
    "Engine": [
        _item("Models", "model_training", "engine_learning.modelversion"),
        _item("Campaigns", "campaign", "engine_channels.campaign"),
        _item("Dispatches", "outgoing_mail", "engine_channels.dispatch"),
    ],
    "House": [
        _item("Work", "engineering", "jobs.job"),
        _item("Staff", "badge", "accounts.user"),
        _item("Service clients", "vpn_key", "accounts.serviceclient"),
    ],
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Zgoda",
    "SITE_HEADER": "Zgoda",
    "SITE_SUBHEADER": "Consent, and harmony",
    "SITE_SYMBOL": "handshake",
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "governance.console.today.dashboard",
    "COLORS": {
        # A calm green; checked for contrast 4.5:1 on both backgrounds.
        "primary": {
            "50": "#f0f7f4", "100": "#dcece4", "200": "#bbd9cb", "300": "#8fbfab", "400": "#5f9f86", "500": "#3f836a",
            "600": "#2e6954", "700": "#265545", "800": "#204438", "900": "#1b3930", "950": "#0e201b",
        }
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [{"title": title, "separator": bool(title), "items": items} for title, items in _ROOMS.items()],
    },
}  # fmt: skip
