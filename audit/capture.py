"""Changes of configuration objects (purposes, policies, rules), recorded by django-auditlog and committed to the log.

``configuration(Model)`` in ``AppConfig.ready()`` is all that a package does. django-auditlog 3.4.1 alone would not be enough:

* it logs an update in ``pre_save`` and in autocommit, so that a save which fails leaves a false entry, and a crash parts the row from
  its entry. Here a change outside a transaction is refused, and inside one both roll back together;
* bulk operations and ``QuerySet.update`` leave nothing. Here the model's querysets record them, or refuse what cannot be recorded;
* changes of many-to-many fields send no signal to us. Here they are recorded with the keys that were added or removed;
* its entries are ordinary rows. Here the table is append-only and each entry's digest is a leaf of the log.

Never for models about people: values of all fields are kept for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from auditlog import get_logentry_model
from auditlog.context import auditlog_disabled
from auditlog.diff import model_instance_diff
from auditlog.registry import auditlog
from auditlog.signals import post_log
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import Manager, Model, QuerySet
from django.db.models.signals import m2m_changed, pre_delete, pre_save

from audit import acting, log
from audit.errors import ChangeNotCaptured, ChangeOutsideTransaction, PersonalModel
from governance.kernel.actors import ActorKind
from governance.kernel.canonical import digest

_ACTIONS = {0: "configuration.created", 1: "configuration.changed", 2: "configuration.deleted"}
_SUBJECT_COLUMNS = frozenset({"subject", "subject_id", "data_subject", "data_subject_id"})
_captured: set[type[Model]] = set()


def configuration(model: type[Model], exclude: Sequence[str] = ()) -> None:
    """Record every change of a configuration model, in the transaction of the change. ``exclude`` names fields not to keep.

    Raises ``PersonalModel`` for a model with a column about a data subject.
    """
    columns = {name for field in model._meta.concrete_fields for name in (field.name, field.column)}
    if columns & _SUBJECT_COLUMNS:
        raise PersonalModel(f"{model._meta.label} has a column about a data subject.")
    if model in _captured:
        return
    _captured.add(model)
    label = model._meta.label
    # Before django-auditlog's own receivers, so that a refused change writes nothing.
    pre_save.connect(_require_capture, sender=model, dispatch_uid=f"audit.pre_save.{label}")
    pre_delete.connect(_require_capture, sender=model, dispatch_uid=f"audit.pre_delete.{label}")
    auditlog.register(model, exclude_fields=list(exclude))
    for field in model._meta.many_to_many:
        if field.name not in exclude:
            through = field.remote_field.through
            m2m_changed.connect(_links_changed, sender=through, dispatch_uid=f"audit.m2m.{label}.{field.name}")
    for manager in [*model._meta.local_managers, *model._meta.managers, model._meta.base_manager]:
        _guard(manager)
    if not isinstance(model._default_manager.get_queryset(), CapturedQuerySet):
        raise ImproperlyConfigured(f"The manager of {label} makes querysets that cannot be captured.")


def captured_models() -> frozenset[type[Model]]:
    """The models whose changes are recorded."""
    return frozenset(_captured)


def connect() -> None:
    """Listen to django-auditlog; called once when the app is ready."""
    post_log.connect(_commit_entry, dispatch_uid="audit.post_log")
    pre_save.connect(_name_actor, sender=get_logentry_model(), dispatch_uid="audit.logentry_actor")


def entry_digest(entry: Any) -> str:
    """What the log commits to for an entry of django-auditlog: all that it says, except who, which the log itself says."""
    return digest(
        {
            "action": entry.action,
            "changes": entry.changes,
            "model": f"{entry.content_type.app_label}.{entry.content_type.model}",
            "object": str(entry.object_pk),
            "at": entry.timestamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
    )


class CapturedQuerySet(QuerySet[Any]):
    """A queryset of configuration objects whose bulk operations leave entries too."""

    def update(self, **values: Any) -> int:
        """As Django's; locks and reads the rows before and after, and records each that changed."""
        _require_capture(self.model)
        if self.model._meta.pk.name in values or "pk" in values:
            raise ChangeNotCaptured("The key of a configuration object does not change.")
        before = {row.pk: row for row in self.order_by().select_for_update(of=("self",))}
        changed = self.model._base_manager.filter(pk__in=before)
        count = super().update(**values)
        for row in changed:
            _record(1, before[row.pk], row)
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """As Django's, with an entry for each row. Raises ``ChangeNotCaptured`` where the database decides what is written."""
        _require_capture(self.model)
        if kwargs.get("ignore_conflicts") or kwargs.get("update_conflicts") or len(args) > 1:
            raise ChangeNotCaptured("With conflicts resolved by the database nobody knows which rows were written.")
        created = super().bulk_create(objs, *args, **kwargs)
        for row in created:
            _record(0, None, row)
        return created


def _guard(manager: Manager[Any]) -> None:
    """Let a manager, and the related managers that Django derives from its class, make captured querysets."""
    base = manager._queryset_class  # type: ignore[attr-defined]
    if issubclass(base, CapturedQuerySet):
        return
    queryset = type(base.__name__, (CapturedQuerySet, base), {})
    # It keeps the name and the module of the class that it stands for: type checkers look managers up by them.
    plain = manager.__class__
    names = {"__module__": plain.__module__, "__qualname__": plain.__qualname__, "_queryset_class": queryset}
    manager.__class__ = type(plain.__name__, (plain,), names)


def _require_capture(sender: type[Model], **_: Any) -> None:
    if not connection.in_atomic_block:
        raise ChangeOutsideTransaction(f"Change {sender._meta.label} inside transaction.atomic.")
    if auditlog_disabled.get():
        raise ChangeNotCaptured(f"Changes of {sender._meta.label} are always recorded.")


def _record(action: int, before: Model | None, after: Model) -> None:
    changes = model_instance_diff(before, after)
    if changes:
        entry = get_logentry_model().objects.log_create(after, action=action, changes=changes)
        _commit(type(after), entry)


def _links_changed(
    instance: Model, action: str, model: type[Model], pk_set: set[Any] | None, reverse: bool, **kwargs: Any
) -> None:
    """Record the keys that a many-to-many field gained or lost."""
    if not action.startswith("pre_"):
        return
    _require_capture(type(instance))
    field = _field_of(instance, kwargs["sender"], reverse=reverse)
    keys = pk_set if pk_set is not None else set(getattr(instance, field).values_list("pk", flat=True))
    if keys:
        change = {field: {"type": "m2m", "operation": action.removeprefix("pre_"), "objects": sorted(map(str, keys))}}
        entry = get_logentry_model().objects.log_create(instance, action=1, changes=change)
        _commit(type(instance), entry)


def _field_of(instance: Model, through: type[Model], *, reverse: bool) -> str:
    options = instance._meta
    if not reverse:
        return next(field.name for field in options.many_to_many if field.remote_field.through is through)
    related = (relation for relation in options.related_objects if getattr(relation, "through", None) is through)
    return str(next(related).get_accessor_name())


def _commit_entry(sender: type[Model], log_entry: Any, **_: Any) -> None:
    if log_entry is not None and sender in _captured:
        _commit(sender, log_entry)


def _commit(model: type[Model], entry: Any) -> None:
    log.emit(
        _ACTIONS[entry.action],
        actor=acting.current(),
        object=f"{model._meta.label_lower}:{entry.object_pk}",
        facts={"auditlog_entry": entry.pk, "sha256": entry_digest(entry), "fields": sorted(entry.changes)},
    )


def _name_actor(instance: Any, **_: Any) -> None:
    """Put the acting member of staff on django-auditlog's entry: as a key, never with an e-mail address."""
    actor = acting.current()
    if instance.actor_id is not None or actor.kind is not ActorKind.STAFF:
        return
    try:
        key = UUID(actor.id)
    except ValueError:
        return
    if get_user_model().objects.filter(pk=key).exists():
        instance.actor_id = key
