"""The audit explorer: entries by transaction, one entry with its bytes and its proof, verification that tells how far it is."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from audit import verification
from audit.errors import NotYetSequenced, UnknownEntry
from audit.models import Entry, Leaf
from audit.publication import receipts
from governance.console.pages import absent_is_not_found, context
from governance.kernel.actors import Actor, ActorKind

_PAGE = 100
_EXACT = ("action", "actor", "object", "purpose")


@require_safe
@permission_required("audit.view_entry", raise_exception=True)
def explorer(request: HttpRequest) -> HttpResponse:
    """Entries, latest first, those of one transaction together. Filters are exact, except that an action may end in a dot."""
    asked = {name: request.GET.get(name, "").strip() for name in (*_EXACT, "before", "since")}
    rows = list(_filtered(asked).order_by("-id")[: _PAGE + 1])
    more = rows[_PAGE - 1].pk if len(rows) > _PAGE else None
    rows = rows[:_PAGE]
    numbers = dict(Leaf.objects.filter(entry_id__in=[row.pk for row in rows]).values_list("entry_id", "seq"))
    groups = [
        {"transaction": key, "entries": [(entry, numbers.get(entry.pk)) for entry in entries]}
        for key, entries in groupby(rows, key=lambda row: row.transaction_id)
    ]
    values = context(request, "Log explorer", groups=groups, asked=asked, more=more)
    return render(request, "console/log_explorer.html", values)


def _filtered(asked: dict[str, str]) -> Any:
    found = Entry.objects.all()
    for name in _EXACT:
        if name == "action" and asked[name].endswith("."):
            found = found.filter(action__startswith=asked[name])
        elif asked[name]:
            found = found.filter(**{name: asked[name]})
    try:
        if asked["before"]:
            found = found.filter(pk__lt=UUID(asked["before"]))
    except ValueError:
        found = found.none()
    if len(asked["since"]) == 10 and asked["since"].replace("-", "").isdigit():
        found = found.filter(occurred_at__gte=f"{asked['since']}T00:00:00Z")
    return found


@require_safe
@permission_required("audit.view_entry", raise_exception=True)
@absent_is_not_found
def entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """One entry: the bytes that were hashed, the hash, its number, and the proof that it is in the log."""
    row = Entry.objects.filter(pk=entry_id).first()
    if row is None:
        raise UnknownEntry
    try:
        proof = receipts.receipt(entry_id)
    except NotYetSequenced:
        proof = None
    values = context(
        request,
        "Log entry",
        entry=row,
        pretty=_pretty(row.header),
        leaf_sha256=bytes(row.leaf_hash).hex(),
        proof=proof,
        path=[hash_.hex() for hash_ in proof.proof] if proof else [],
        beside=Entry.objects.filter(transaction_id=row.transaction_id).exclude(pk=row.pk).order_by("id")[:_PAGE],
    )
    return render(request, "console/log_entry.html", values)


def _pretty(header: str) -> str:
    """The header in lines; as it is where somebody changed it to what is no JSON, for that is when it is looked at."""
    try:
        return json.dumps(json.loads(header), indent=2, ensure_ascii=False)
    except ValueError:
        return header


@require_POST
@permission_required("audit.view_entry", raise_exception=True)
def verify(request: HttpRequest) -> StreamingHttpResponse:
    """Verify the whole log and say how far it is, one JSON object a line; the last one is the report, which is kept as an entry."""
    actor = Actor(ActorKind.STAFF, str(request.user.pk))
    return StreamingHttpResponse(
        _verifying(actor), content_type="application/x-ndjson", headers={"Cache-Control": "no-store"}
    )


def _verifying(actor: Actor) -> Iterator[str]:
    lines: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def work() -> None:
        try:
            report = verification.verify_log(progress=lambda done, total: lines.put({"done": done, "total": total}))
            verification.record(report, actor=actor)
            lines.put({"report": asdict(report)})
        finally:
            lines.put(None)
            connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while (line := lines.get()) is not None:
        yield json.dumps(line, default=str) + "\n"
    thread.join()
