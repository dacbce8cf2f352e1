"""Datasets that may be asked: declared in code by the package that owns the rows, loaded once per process and period.

The loader returns the rows that the dataset's purpose permits (the consent gate's business), with the data subject in
the column `subject`. What it returned stays in this process for `max_age` at most.

A version is the period in which a question that was answered is answered the same again, at no cost. It ends after
`lasts`, or when somebody calls `refresh`, and never because of what the rows are: if a removed person made a new
version, the number of the version would tell that somebody was removed. Within a version rows may be loaded anew;
each release is private about the rows that it was drawn from, and its charge adds up whatever happens to the rows
between two of them.
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

from audit import log
from governance.aggregates.contributions import Bounded
from governance.aggregates.errors import DatasetMalformed, DatasetUnknown
from governance.aggregates.models import DatasetVersion
from governance.aggregates.preparation import SUBJECT, prepare
from governance.aggregates.queries import LARGEST_CAP, Bounds, Key, Measure, Schema
from governance.kernel import crypto, secret_files
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.ids import uuid7

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
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class Loaded:
    """A dataset as it is held by this process."""

    dataset: Dataset
    version_id: UUID
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
    lasts: timedelta = timedelta(days=1),
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
    _registered[key] = Dataset(key, title, loader, schema, purpose, max_age, lasts)
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
    """The dataset as this process holds it in the version that is current; loaded when it is not held or too old.

    Other threads of the process wait instead of loading it twice. Raises DatasetUnknown, DatasetMalformed.
    """
    dataset, shelf = get(key), _here()
    version_id = current_version(dataset)
    with shelf.guard:
        lock = shelf.locks.setdefault(key, threading.Lock())
    with lock:
        held = shelf.held.get(key)
        fresh = held is not None and held.dataset is dataset and held.loaded_at + dataset.max_age > now()
        if held is None or not fresh or held.version_id != version_id:
            held = shelf.held[key] = _load(dataset, version_id)
        return held


def refresh(key: str, *, actor: Actor) -> int:
    """Open a new version: questions are drawn anew from the rows as they are, and charged anew. Returns its number.

    For after an import, or when a person asks; not to be called because a certain row changed. Raises DatasetUnknown.
    """
    return _open(get(key), actor, even_if_current=True).number


def _load(dataset: Dataset, version_id: UUID) -> Loaded:
    loaded_at = now()
    secret = crypto.derive(_master(), "aggregates", dataset.key)
    prepared = prepare(dataset.loader(), dataset.schema, secret)
    ranks = crypto.derive(_master(), "aggregates", dataset.key, "version", version_id.bytes)
    return Loaded(dataset, version_id, Bounded(prepared, ranks), loaded_at)


def current_version(dataset: Dataset) -> UUID:
    """The id of the version that is current; the next one is opened when the last has ended."""
    newest = DatasetVersion.objects.filter(dataset=dataset.key).order_by("-number").first()
    if newest is not None and newest.until > now():
        return newest.id
    return _open(dataset, SYSTEM, even_if_current=False).id


def _open(dataset: Dataset, actor: Actor, *, even_if_current: bool) -> DatasetVersion:
    """The next version, or the one that another process has just opened."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"aggregates.version.{dataset.key}"]
            )
        newest = DatasetVersion.objects.filter(dataset=dataset.key).order_by("-number").first()
        at = now()
        if newest is not None and newest.until > at and not even_if_current:
            return newest
        number = newest.number + 1 if newest is not None else 1
        version = DatasetVersion.objects.create(
            id=uuid7(), dataset=dataset.key, number=number, opened_at=at, until=at + dataset.lasts
        )
        log.emit(
            "aggregates.version_opened",
            actor=actor,
            object=f"aggregates_version:{version.pk}",
            purpose=dataset.purpose,
            facts={"dataset": dataset.key, "number": number, "until": version.until.isoformat()},
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
