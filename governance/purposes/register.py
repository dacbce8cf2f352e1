"""The register of purposes: define a version, read what is in force.

Reading costs no query when the caller already knows the id of the newest definition (`NEWEST`, a scalar subquery to put into its own
statement): each process keeps the whole register in memory under that id. An id is never reused, unlike a number that a rolled-back
definition leaves free, so a cached register is either the newest or seen to be old.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from audit import log
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.ids import PurposeKey
from governance.purposes.errors import InvalidPurpose, PurposeOutOfOrder, UnknownPurpose
from governance.purposes.models import Purpose
from governance.purposes.terms import Channel, LegalBasis, PurposeVersion

NEWEST: Final = "(SELECT id FROM purposes_purpose ORDER BY edition DESC LIMIT 1)"
"""SQL for the id of the newest definition, NULL when there is none; give its value to `book`."""

_KEY: Final = re.compile(r"^[a-z][a-z0-9_.-]{1,63}$")
_DEFINING: Final = 0x5A67_6F64_6102  # an advisory lock: definitions happen one after the other


@dataclass(frozen=True, slots=True)
class Book:
    """The whole register as of the definition `newest`."""

    newest: UUID | None
    versions: Mapping[str, tuple[PurposeVersion, ...]]

    def current(self, key: str, at: datetime) -> PurposeVersion:
        """The version of `key` in force at that instant. Raises UnknownPurpose."""
        for version in reversed(self.versions.get(key, ())):
            if version.effective_from <= at:
                return version
        raise UnknownPurpose("No such purpose is in force.", purpose=key)

    def agreed_to(self, key: str, at: datetime) -> PurposeVersion:
        """The version that somebody agreed to at that instant: the one in force, or the first when it was before them all.

        Raises UnknownPurpose for a key without any version.
        """
        versions = self.versions.get(key, ())
        if versions and at < versions[0].effective_from:
            return versions[0]
        return self.current(key, at)

    def version(self, key: str, number: int) -> PurposeVersion:
        """One version by number. Raises UnknownPurpose."""
        versions = self.versions.get(key, ())
        if not 1 <= number <= len(versions):
            raise UnknownPurpose("There is no such version of this purpose.", purpose=key)
        return versions[number - 1]

    def oldest_consent(self, purpose: PurposeVersion) -> int:
        """The oldest version of the purpose whose consents still hold under `purpose`: the last that asked again (Art. 7(2))."""
        asking = (one.version for one in reversed(self.versions[purpose.key][: purpose.version]) if one.reconsent)
        return next(asking, 1)


_book: Book = Book(None, MappingProxyType({}))


def book(newest: UUID | None) -> Book:
    """The register as of `newest` (the value of the subquery NEWEST in the caller's own statement) or as of later."""
    global _book
    known = _book
    if known.newest == newest:
        return known
    known = _load()
    _book = known
    return known


def current(key: str, at: datetime | None = None) -> PurposeVersion:
    """The version of the purpose in force now, or at `at`. Raises UnknownPurpose."""
    return newest_book().current(key, at or now())


def all_current(at: datetime | None = None) -> list[PurposeVersion]:
    """Every purpose in force now, or at `at`, in order of key."""
    instant = at or now()
    found: list[PurposeVersion] = []
    for _, versions in sorted(newest_book().versions.items()):
        in_force = [version for version in versions if version.effective_from <= instant]
        found.extend(in_force[-1:])
    return found


def define(
    key: str,
    *,
    title_en: str,
    title_pl: str,
    description_en: str,
    description_pl: str,
    legal_basis: LegalBasis | str,
    channels: Iterable[Channel | str],
    double_opt_in: bool = False,
    validity_days: int | None = None,
    direct_marketing: bool = False,
    special_category: bool = False,
    reconsent: bool = False,
    dpv_iri: str = "",
    effective_from: datetime | None = None,
    actor: Actor = SYSTEM,
) -> PurposeVersion:
    """Add a version to the purpose `key`, in force from `effective_from` (now unless given).

    Saying again what the newest version says adds nothing and returns that version. With `reconsent`, consents to earlier versions do
    not carry over. Raises InvalidPurpose with what is wrong where, PurposeOutOfOrder when the version would not come into force
    after the one before.
    """
    content: dict[str, JSON] = {
        "title_en": title_en, "title_pl": title_pl, "description_en": description_en, "description_pl": description_pl,
        "legal_basis": str(legal_basis), "channels": sorted({str(channel) for channel in channels}),
        "double_opt_in": double_opt_in, "validity_days": validity_days, "direct_marketing": direct_marketing,
        "special_category": special_category, "dpv_iri": dpv_iri,
    }  # fmt: skip
    wrong = contradictions(key, content)
    if wrong:
        raise InvalidPurpose(errors=[{"pointer": f"/{field}", "detail": detail} for field, detail in wrong])
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_DEFINING])
        newest = Purpose.objects.filter(key=key).order_by("-version").first()
        if newest is not None and _says_the_same(newest, content) and (newest.reconsent or not reconsent):
            return _frozen(newest)
        starts = effective_from or now()
        if newest is not None and starts <= newest.effective_from:
            raise PurposeOutOfOrder("The version before comes into force no earlier.", purpose=key)
        row = Purpose.objects.create(
            key=key,
            version=1 if newest is None else newest.version + 1,
            edition=(Purpose.objects.aggregate(last=Max("edition"))["last"] or 0) + 1,
            effective_from=starts,
            reconsent=reconsent,
            **content,
        )
        log.emit(
            "purpose.defined",
            actor=actor,
            object=f"purpose:{row.id}",
            purpose=key,
            facts={"version": row.version, "legal_basis": row.legal_basis, "channels": list(row.channels)},
        )
    return _frozen(row)


def contradictions(key: str, content: Mapping[str, JSON]) -> list[tuple[str, str]]:
    """The pure decision of `define`: everything that is wrong, as (field, what is wrong with it)."""
    wrong: list[tuple[str, str]] = []
    if not _KEY.match(key):
        wrong.append(("key", "Lower-case letters, digits, '_', '.', '-', starting with a letter, 2 to 64 characters."))
    wrong.extend(
        (field, "A purpose is explained in both languages (Art. 12(1)).")
        for field in ("title_en", "title_pl", "description_en", "description_pl")
        if not str(content[field]).strip()
    )
    if content["legal_basis"] not in list(LegalBasis):
        wrong.append(("legal_basis", "One of the six of Art. 6(1)."))
    channels = content["channels"]
    if not isinstance(channels, list) or not channels or not set(channels) <= set(Channel):
        wrong.append(("channels", f"One or more of: {', '.join(Channel)}."))
    if content["double_opt_in"] and content["legal_basis"] != LegalBasis.CONSENT:
        wrong.append(("double_opt_in", "Only a consent can be confirmed."))
    validity = content["validity_days"]
    if validity is not None and (not isinstance(validity, int) or validity < 1):
        wrong.append(("validity_days", "At least one day, or none for no limit."))
    if content["special_category"] and content["legal_basis"] in (LegalBasis.CONTRACT, LegalBasis.LEGITIMATE_INTEREST):
        wrong.append(
            ("legal_basis", "Art. 9(2) knows no such exception for special categories: ask for explicit consent.")
        )
    return wrong


def _says_the_same(row: Purpose, content: Mapping[str, JSON]) -> bool:
    return all(getattr(row, name) == value for name, value in content.items())


def newest_book() -> Book:
    """The whole register as it is now: one small query, and a second one when another process has added to it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {NEWEST}")  # a constant of ours
        row = cursor.fetchone()
    return book(row[0] if row else None)


def _load() -> Book:
    """The register in one query, so that its id and its content are of one snapshot."""
    rows = [_frozen(row) for row in Purpose.objects.order_by("edition")]
    versions: dict[str, list[PurposeVersion]] = {}
    for row in rows:
        versions.setdefault(row.key, []).append(row)
    frozen = {key: tuple(sorted(found, key=lambda one: one.version)) for key, found in versions.items()}
    return Book(rows[-1].id if rows else None, MappingProxyType(frozen))


def _frozen(row: Purpose) -> PurposeVersion:
    return PurposeVersion(
        id=row.id,
        key=PurposeKey(row.key),
        version=row.version,
        edition=row.edition,
        title_en=row.title_en,
        title_pl=row.title_pl,
        description_en=row.description_en,
        description_pl=row.description_pl,
        legal_basis=LegalBasis(row.legal_basis),
        channels=tuple(Channel(channel) for channel in row.channels),
        double_opt_in=row.double_opt_in,
        validity_days=row.validity_days,
        direct_marketing=row.direct_marketing,
        special_category=row.special_category,
        reconsent=row.reconsent,
        dpv_iri=row.dpv_iri,
        effective_from=row.effective_from,
    )
