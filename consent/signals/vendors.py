"""The Global Vendor List, from a file: who the vendors are and which legal bases they declare for which purposes.

The file is the published JSON (`vendor-list.json`, specification version 2 or 3). It is never fetched from here: an operator puts it
in place, so that which list was in force is a fact of the deployment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from consent.signals.bits import Ids
from consent.signals.errors import SignalInvalid

_LARGEST: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: purposes it needs consent for, purposes it claims a legitimate interest for, those where it accepts either."""

    id: int
    name: str
    purposes: frozenset[int]
    legitimate_interests: frozenset[int]
    flexible: frozenset[int]
    special_purposes: frozenset[int]
    deleted: bool


@dataclass(frozen=True, slots=True)
class VendorList:
    """A version of the list."""

    version: int
    policy_version: int
    vendors: Mapping[int, Vendor]

    @property
    def active(self) -> Ids:
        """The ids of vendors that are not deleted."""
        return Ids.of(one.id for one in self.vendors.values() if not one.deleted)


def load(path: Path) -> VendorList:
    """The list in that file, read once as long as the file does not change. Raises SignalInvalid."""
    try:
        status = path.stat()
    except OSError as error:
        raise SignalInvalid("The vendor list cannot be opened.") from error
    if status.st_size > _LARGEST:
        raise SignalInvalid("The vendor list is too large.")
    return _loaded(str(path), status.st_mtime_ns)


def parse(text: str | bytes) -> VendorList:
    """The list in that JSON. Raises SignalInvalid."""
    try:
        said: dict[str, Any] = json.loads(text)
        return VendorList(
            version=int(said["vendorListVersion"]),
            policy_version=int(said["tcfPolicyVersion"]),
            vendors={int(one["id"]): _vendor(one) for one in said["vendors"].values()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SignalInvalid("This is no vendor list.") from error


@lru_cache(maxsize=4)
def _loaded(path: str, modified_ns: int) -> VendorList:
    return parse(Path(path).read_bytes())


def _vendor(said: Mapping[str, Any]) -> Vendor:
    def ids(name: str) -> frozenset[int]:
        return frozenset(int(one) for one in said.get(name, ()))

    return Vendor(
        id=int(said["id"]),
        name=str(said["name"]),
        purposes=ids("purposes"),
        legitimate_interests=ids("legIntPurposes"),
        flexible=ids("flexiblePurposes"),
        special_purposes=ids("specialPurposes"),
        deleted=bool(said.get("deletedDate")),
    )
