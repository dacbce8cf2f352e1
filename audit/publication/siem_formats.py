"""An entry of the log in the forms that security tools read: OCSF 1.6 (JSON), CEF, RFC 5424 syslog. Pure.

Personal fields are off by default, because what is exported cannot be erased: an actor becomes a keyed pseudonym, which still tells two
actors apart, and the object keeps its kind and loses its id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from governance.kernel import crypto

OCSF_VERSION = "1.6.0"
_PERSONS = ("staff", "client", "subject", "guardian", "agent")
# OCSF classes: 3002 authentication, 3005 user access management, 6001 web resource activity, 6003 API activity.
_CLASSES = {"accounts.login": 3002, "accounts.role": 3005, "accounts.key": 3005, "identity.": 6001}
_SEVERE = (
    "log.entries_missing",
    "log.verification_failed",
    "log.witness_refused",
    "audit.anomaly_found",
    "configuration.changed_directly",
)
_NOTABLE = ("identity.revealed", "key.destroyed", "log.key_rotated", "accounts.login_failed")


class Format(StrEnum):
    """In which form a message travels inside its syslog frame."""

    OCSF = "ocsf"
    CEF = "cef"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered entry as it leaves the house. ``actor`` and ``object`` as they may be shown."""

    seq: int
    id: UUID
    action: str
    actor: str
    object: str
    purpose: str
    at: datetime
    leaf_sha256: str
    facts: Mapping[str, Any]


def event(row: tuple[Any, ...], key: bytes, *, personal: bool) -> Event:
    """The event of a row (seq, id, action, actor, object, purpose, occurred_at, leaf_hash, header)."""
    seq, entry_id, action, actor, of, purpose, at, leaf, header = row
    if not personal:
        kind, _, name = actor.partition(":")
        actor = f"{kind}:{crypto.mac(key, name.encode()).hex()[:16]}" if kind in _PERSONS else actor
        of = of.partition(":")[0]
    facts = json.loads(header).get("facts", {}) if personal else {}
    return Event(seq, entry_id, action, actor, of, purpose, at, bytes(leaf).hex(), facts)


def severity(action: str) -> int:
    """OCSF's severity: 1 informational, 3 medium, 5 critical."""
    return 5 if action in _SEVERE else 3 if action in _NOTABLE else 1


def ocsf(one: Event) -> dict[str, Any]:
    """The event as OCSF has it; what OCSF has no place for stands under ``unmapped``."""
    of_class = next((number for prefix, number in _CLASSES.items() if one.action.startswith(prefix)), 6003)
    category = of_class // 1000
    said: dict[str, Any] = {
        "class_uid": of_class,
        "category_uid": category,
        "activity_id": 99,
        "activity_name": one.action,
        "type_uid": of_class * 100 + 99,
        "severity_id": severity(one.action),
        "time": int(one.at.timestamp() * 1000),
        "message": one.action,
        "metadata": {
            "version": OCSF_VERSION,
            "uid": str(one.id),
            "sequence": one.seq,
            "log_name": "zgoda",
            "product": {"name": "Zgoda", "vendor_name": "Zgoda"},
        },
        "actor": {"user": {"uid": one.actor, "type_id": 99}},
        "unmapped": {"leaf_sha256": one.leaf_sha256},
    }
    if one.object:
        said["resources"] = [{"uid": one.object}]
    if one.purpose:
        said["unmapped"]["purpose"] = one.purpose
    if one.facts:
        said["unmapped"]["facts"] = dict(one.facts)
    return said


def cef(one: Event) -> str:
    """ArcSight's Common Event Format, version 0."""
    fields = {
        "rt": int(one.at.timestamp() * 1000),
        "externalId": one.id,
        "suser": one.actor,
        "act": one.action,
        "cn1Label": "sequence",
        "cn1": one.seq,
        "fileHash": one.leaf_sha256,
    }
    if one.object:
        fields |= {"cs1Label": "object", "cs1": one.object}
    if one.purpose:
        fields |= {"cs2Label": "purpose", "cs2": one.purpose}
    if one.facts:
        fields |= {"cs3Label": "facts", "cs3": json.dumps(one.facts, sort_keys=True)}
    extension = " ".join(f"{name}={_cef_value(value)}" for name, value in fields.items())
    action = _cef_header(one.action)
    return f"CEF:0|Zgoda|Zgoda|1|{action}|{action}|{2 * severity(one.action)}|{extension}"


def syslog(one: Event, form: Format, host: str) -> bytes:
    """An RFC 5424 message; RFC 5425 framing is the sender's. Facility 13 (log audit)."""
    level = {1: 6, 3: 4, 5: 2}[severity(one.action)]
    at = one.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f"<{13 * 8 + level}>1 {at} {_name(host)} zgoda - {_name(one.action)}"
    parameters = {"seq": one.seq, "id": one.id, "actor": one.actor, "object": one.object, "leaf": one.leaf_sha256}
    data = " ".join(f'{name}="{_parameter(value)}"' for name, value in parameters.items() if value != "")
    body: Callable[[Event], str] = {
        Format.OCSF: lambda found: json.dumps(ocsf(found), separators=(",", ":"), ensure_ascii=False),
        Format.CEF: cef,
        Format.PLAIN: lambda found: found.action,
    }[form]
    return f"{head} [zgoda@32473 {data}] \ufeff{body(one)}".encode()


def frame(message: bytes) -> bytes:
    """Octet counting, RFC 5425 section 4.3: the length, a space, the message."""
    return str(len(message)).encode() + b" " + message


def _name(text: str) -> str:
    """PRINTUSASCII of RFC 5424."""
    return "".join(char if "!" <= char <= "~" else "_" for char in text)[:200] or "-"


def _parameter(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _cef_header(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _cef_value(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("=", "\\=").replace("\n", "\\n").replace("\r", "\\r")
