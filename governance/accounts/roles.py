"""The four roles: which permissions each has, as data; who has which role.

Roles are Django groups, so that the console and Django's own checks work as everywhere. Their permissions are computed from `RULES`
(shell-style patterns over `app_label.codename`) and from what packages add with `allow()` in their `AppConfig.ready()`; `seed()` runs
after every migration and puts each group back to exactly that. No role may delete: rows leave through retention and erasure.
"""

from collections import defaultdict
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final
from uuid import UUID

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from audit import log
from governance.accounts.errors import StaffUnknown
from governance.accounts.models import User
from governance.accounts.scopes import PACKAGES, spell_out
from governance.kernel.actors import SYSTEM, Actor


class Role(StrEnum):
    """What somebody is employed to do here."""

    DPO = "dpo"
    ENGINEER = "engineer"
    MARKETER = "marketer"
    AUDITOR = "auditor"


OUR_APPS: Final = (
    "accounts",
    "aggregates",
    "airegister",
    "audit",
    "catalogue",
    "consent",
    "console",
    "dsar",
    "engine_*",
    "incidents",
    "jobs",
    "privacy_center",
    "pseudonymize",
    "purposes",
    "retention",
)
# Third-party tables that are records of ours. Sessions, one-time codes and e-mail addresses of staff are not: whoever reads
# a session key is that person.
_RECORDS: Final = ("auditlog.view_logentry", "admin.view_logentry")
_READ_ALL: Final = (*(f"{app}.view_*" for app in OUR_APPS), *_RECORDS)

RULES: Final[dict[Role, tuple[str, ...]]] = {
    Role.AUDITOR: _READ_ALL,
    Role.DPO: (
        *_READ_ALL,
        *(
            f"{app}.{verb}_*"
            for app in ("purposes", "catalogue", "retention", "incidents", "airegister")
            for verb in ("add", "change")
        ),
        "consent.add_notice*",
        "aggregates.add_budget",
        "aggregates.change_budget",
        "dsar.add_*",
        "dsar.change_*",
        "engine_channels.add_frequencycap",
        "engine_channels.change_frequencycap",
        "engine_channels.change_campaign",
        "accounts.add_serviceclient",
        "accounts.change_serviceclient",
    ),
    Role.ENGINEER: (
        *(
            f"{app}.view_*"
            for app in (
                "jobs",
                "pseudonymize",
                "purposes",
                "catalogue",
                "aggregates",
                "airegister",
                "console",
                "engine_*",
            )
        ),
        *(
            f"{app}.{verb}_*"
            for app in ("catalogue", "engine_events", "engine_profiles", "engine_features", "engine_learning")
            for verb in ("add", "change")
        ),
        "accounts.view_serviceclient",
        "accounts.add_serviceclient",
        "accounts.change_serviceclient",
    ),
    Role.MARKETER: (
        *(
            f"{app}.view_*"
            for app in (
                "purposes",
                "console",
                "engine_content",
                "engine_channels",
                "engine_journeys",
                "engine_experiments",
                "engine_decisioning",
            )
        ),
        "aggregates.view_release",
        *(
            f"{app}.{verb}_*"
            for app in ("engine_content", "engine_journeys", "engine_experiments")
            for verb in ("add", "change")
        ),
        "engine_channels.add_campaign",
        "engine_channels.change_campaign",
    ),
}

# What staff may ask of the REST API with their session; see scopes.py. Revealing needs a second person on top (pseudonymize).
SCOPES: Final[dict[Role, frozenset[str]]] = {
    Role.AUDITOR: spell_out(["*:read"]),
    Role.DPO: spell_out(
        [
            "*:read",
            *(
                f"{p}:write"
                for p in (
                    "accounts",
                    "airegister",
                    "catalogue",
                    "consent",
                    "dsar",
                    "incidents",
                    "purposes",
                    "retention",
                )
            ),
            *(f"{p}:run" for p in ("aggregates", "audit", "dsar", "retention")),
            "pseudonymize:reveal",
        ]
    ),
    Role.ENGINEER: spell_out(
        [
            *(
                f"{p}:read"
                for p in sorted(PACKAGES - {"accounts", "audit", "consent", "dsar", "incidents", "retention"})
            ),
            *(f"{p}:write" for p in ("accounts", "catalogue", "events", "features", "learning", "profiles")),
            *(f"{p}:run" for p in ("aggregates", "decisioning", "events", "features", "learning", "pseudonymize")),
        ]
    ),
    Role.MARKETER: spell_out(
        [
            *(f"{p}:read" for p in ("channels", "content", "decisioning", "experiments", "journeys", "purposes")),
            *(f"{p}:write" for p in ("channels", "content", "experiments", "journeys")),
            *(f"{p}:run" for p in ("channels", "journeys")),
        ]
    ),
}

_allowed: defaultdict[Role, set[str]] = defaultdict(set)


def allow(role: Role, *permissions: str) -> None:
    """A package's own addition, e.g. `allow(Role.DPO, "dsar.approve_plan")`; call it in `AppConfig.ready()`.

    The auditor reads and nothing else, so only `view_` permissions are accepted for that role (ValueError otherwise).
    """
    for permission in permissions:
        codename = permission.partition(".")[2]
        if role is Role.AUDITOR and not codename.startswith("view_"):
            raise ValueError(f"The auditor only reads: {permission}")
        _allowed[role].add(permission)


def granted_to(role: Role, permission: str) -> bool:
    """Whether the rules give `permission` (`app_label.codename`) to `role`. Pure."""
    return permission in _allowed[role] or any(fnmatchcase(permission, pattern) for pattern in RULES[role])


def seed() -> dict[Role, int]:
    """Make the groups what the rules say, no more and no less; returns the number of permissions of each. Idempotent."""
    everything = [
        (pk, f"{app}.{codename}")
        for pk, app, codename in Permission.objects.values_list("pk", "content_type__app_label", "codename")
    ]
    counts: dict[Role, int] = {}
    with transaction.atomic():
        for role in Role:
            group, _ = Group.objects.get_or_create(name=role.value)
            wanted = [pk for pk, name in everything if granted_to(role, name)]
            group.permissions.set(wanted)
            counts[role] = len(wanted)
    return counts


def grant(user: User | UUID, role: Role, *, actor: Actor = SYSTEM) -> None:
    """Give a member of staff a role. Recorded; granting twice is one grant. Raises StaffUnknown."""
    _change(user, role, actor, holds=True)


def withdraw(user: User | UUID, role: Role, *, actor: Actor = SYSTEM) -> None:
    """Take a role away. Recorded; raises StaffUnknown."""
    _change(user, role, actor, holds=False)


def roles_of(user: User | UUID) -> frozenset[Role]:
    """The roles of an active member of staff; none for somebody who was dismissed or never existed."""
    user_id = user.pk if isinstance(user, User) else user
    names = Group.objects.filter(user__pk=user_id, user__is_active=True).values_list("name", flat=True)
    return frozenset(Role(name) for name in names if name in set(Role))


def scopes_of(user: User | UUID) -> frozenset[str]:
    """What the member of staff may ask of the API. A superuser administers staff and keys: that adds no view of anybody's data."""
    user_id = user.pk if isinstance(user, User) else user
    held: set[str] = set()
    for role in roles_of(user_id):
        held |= SCOPES[role]
    if User.objects.filter(pk=user_id, is_superuser=True, is_active=True).exists():
        held |= {"accounts:read", "accounts:write", "jobs:read"}
    return frozenset(held)


def _change(user: User | UUID, role: Role, actor: Actor, *, holds: bool) -> None:
    user_id = user.pk if isinstance(user, User) else user
    with transaction.atomic():
        member = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
        if member is None:
            raise StaffUnknown("No active member of staff has this id.")
        group, _ = Group.objects.get_or_create(name=role.value)
        held = member.groups.filter(pk=group.pk).exists()
        if held == holds:
            return
        if holds:
            member.groups.add(group)
        else:
            member.groups.remove(group)
        log.emit(
            "accounts.role_granted" if holds else "accounts.role_withdrawn",
            actor=actor,
            object=f"staff:{member.pk}",
            facts={"role": role.value},
        )
