"""REST endpoints at /api/v1/consent/: record, withdraw, read, and the one-line gate.

Subjects are named by their opaque id (`sub_…`) or by the controller's own customer number, which the vault resolves.
"""

from __future__ import annotations

from django.urls import path

from consent.api import people
from consent.api.machines import urlpatterns as bulk_patterns
from consent.api.signals import urlpatterns as signal_patterns
from consent.api.withdrawing import Withdrawals

urlpatterns = [
    path("checks", people.Checks.as_view()),
    *bulk_patterns,
    path("checks/audience", people.Audiences.as_view()),
    path("events", people.Events.as_view()),
    path("links", people.Links.as_view()),
    path("confirmations", people.Confirmations.as_view()),
    path("withdraw", Withdrawals.as_view()),
    path("subjects/<str:subject>/state", people.States.as_view()),
    path("subjects/<str:subject>/history", people.History.as_view()),
    path("events/<str:event>/receipt", people.Receipts.as_view()),
    path("receipts/verify", people.ReceiptVerification.as_view()),
    path("receipts/import", people.ReceiptImports.as_view()),
    path("receipts/schema", people.ReceiptSchema.as_view()),
    path("presentations", people.Presentations.as_view()),
    path("notices", people.Notices.as_view()),
    path("keys", people.Keys.as_view()),
    *signal_patterns,
]
