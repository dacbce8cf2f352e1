"""Datasets that may be asked: declared in code by the package that owns the rows, loaded once per process, versioned
by their content.

The loader returns the rows that the dataset's purpose permits (the consent gate's business), with the data subject in
the column `subject`. What it returned stays in this process for `max_age`; after that it is loaded again, and rows
that have changed make a new version, with a new secret for the ranks and releases of its own. A person who left is
out of the next version; the releases of the versions before stay charged.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl
from django.db import connection, transaction
from django.db.models import Max

from governance.aggregates.contributions import Bounded
from governance.aggregates.errors import DatasetMalformed, DatasetUnknown
from governance.aggregates.models import DatasetVersion
from governance.aggregates.preparation import SUBJECT, prepare
from governance.aggregates.queries import LARGEST_CAP, Bounds, Key, Measure, Schema
from governance.kernel import crypto, secret_files
from governance.kernel.clock import now

DEFAULT_CAPS: Mapping[Measure, int] = {Measure.COUNT: 10, Measure.COUNT_PEOPLE: 1, Measure.SUM: 10, Measure.MEAN: 10}
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Dataset:
    """A registered dataset. `purpose` is what its rows may be asked for; a budget for another purpose does not fit
    it."""

    key: str
    title: str
    loader: Callable[[], pl.DataFrame]
    schema: Schema
    purpose: str
    max_age: timedelta


@dataclass(frozen=True, slots=True)
class Loaded:
    """A dataset as it is held by this process."""

    dataset: Dataset
    version_id: UUID
    number: int
    bounded: Bounded
    loaded_at: datetime


@dataclass(slots=True)
class _Shelf:
    """What one process holds. A child that was forked starts empty: it must not work on with frames of its parent."""

    pid: int
    held: dict[str, Loaded] = field(default_factory=dict)
    locks: dict[str, threading.Lock] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)


_registered: dict[str, Dataset] = {}
_shelf = _Shelf(os.getpid())


def register(
    key: str,
    *,
    title: str,
    loader: Callable[[], pl.DataFrame],
    groups: Mapping[str, tuple[Key, ...] | None],
    measures: Mapping[str, Bounds],
    purpose: str,
    caps: Mapping[Measure, int] | None = None,
    max_age: timedelta = timedelta(hours=1),
) -> Dataset:
    """Declare a dataset, from `AppConfig.ready()` or at the place that owns the rows.

    `groups` maps each group column to its public keys, known without looking at the data (texts, or whole numbers);
    None says that the keys are not public, and then the column cannot be asked for. `measures` maps each integer
    column to its bounds. `caps` are the defaults of what one person contributes to each kind of question. Registering
    again replaces the loader; raises DatasetMalformed when the declaration is not well formed or differs from the one
    before.
    """
    schema = Schema(key, dict(groups), dict(measures), {**DEFAULT_CAPS, **(caps or {})})
    _check(schema)
    before = _registered.get(key)
    if before is not None and (before.schema, before.purpose) != (schema, purpose):
        raise DatasetMalformed(f"The dataset {key} is registered with another declaration.")
    _registered[key] = Dataset(key, title, loader, schema, purpose, max_age)
    release_memory(key)
    return _registered[key]


def unregister(key: str) -> None:
    """Forget a dataset; its budget, spends and releases stay."""
    _registered.pop(key, None)
    release_memory(key)


def get(key: str) -> Dataset:
    """Raises DatasetUnknown."""
    if key not in _registered:
        raise DatasetUnknown("No dataset of this key is registered.")
    return _registered[key]


def registered() -> tuple[Dataset, ...]:
    """All datasets, by key."""
    return tuple(dataset for _, dataset in sorted(_registered.items()))


def release_memory(key: str) -> None:
    """Drop what this process holds of a dataset; the next question loads it anew."""
    _here().held.pop(key, None)


def load(key: str) -> Loaded:
    """The dataset as this process holds it, loaded and bound to its version when it is not held or too old. Other
    threads of the process wait instead of loading it twice. Raises DatasetUnknown, DatasetMalformed."""
    dataset, shelf = get(key), _here()
    with shelf.guard:
        lock = shelf.locks.setdefault(key, threading.Lock())
    with lock:
        held = shelf.held.get(key)
        if held is None or held.dataset is not dataset or held.loaded_at + dataset.max_age <= now():
            held = shelf.held[key] = _load(dataset)
        return held


def _load(dataset: Dataset) -> Loaded:
    loaded_at = now()
    secret = crypto.derive(_master(), "aggregates", dataset.key)
    prepared = prepare(dataset.loader(), dataset.schema, secret)
    version = _version(dataset.key, prepared.fingerprint)
    ranks = crypto.derive(_master(), "aggregates", dataset.key, "version", version.id.bytes)
    return Loaded(dataset, version.id, version.number, Bounded(prepared, ranks), loaded_at)


def _version(dataset: str, fingerprint: str) -> DatasetVersion:
    """The version that has this content; the first process to see it gives it the next number."""
    known = DatasetVersion.objects.filter(dataset=dataset, fingerprint=fingerprint).first()
    if known is not None:
        return known
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"aggregates.version.{dataset}"])
        last = DatasetVersion.objects.filter(dataset=dataset).aggregate(last=Max("number"))["last"] or 0
        version, _ = DatasetVersion.objects.get_or_create(
            dataset=dataset, fingerprint=fingerprint, defaults={"number": last + 1, "created_at": now()}
        )
    return version


def _master() -> bytes:
    return secret_files.load_or_create("aggregates.key", crypto.random_key)


def _here() -> _Shelf:
    global _shelf
    if _shelf.pid != os.getpid():
        _shelf = _Shelf(os.getpid())
    return _shelf


def _check(schema: Schema) -> None:
    names = [*schema.groups, *schema.measures]
    if (
        len(set(names)) != len(names)
        or SUBJECT in names
        or not all(0 < len(name) <= _LONGEST_NAME for name in (schema.dataset, *names))
    ):
        raise DatasetMalformed("Columns have names of their own, and none is the subject.")
    for column, keys in schema.groups.items():
        if keys is None:
            continue
        kinds = {type(key) for key in keys}
        if not keys or len(set(keys)) != len(keys) or kinds not in ({str}, {int}):
            raise DatasetMalformed(f"The public keys of {column} are distinct texts, or distinct whole numbers.")
        if any(len(key) > _LONGEST_NAME if isinstance(key, str) else abs(key) > 2**53 for key in keys):
            raise DatasetMalformed(f"A public key of {column} is too long.")
    if any(not 1 <= cap <= LARGEST_CAP for cap in schema.caps.values()):
        raise DatasetMalformed(f"Caps are from 1 to {LARGEST_CAP}.")
