"""Tables: systems, data sets, fields. What exists comes from `sync.py`; category, purpose and retention are for people to set."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from governance.kernel.models import UuidModel


class System(UuidModel):
    """A part of the service, or a library of it, that keeps data."""

    key = models.CharField(_("key"), max_length=64, unique=True)
    title = models.CharField(_("title"), max_length=160)
    gone_at = models.DateTimeField(_("gone since"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("system")
        verbose_name_plural = _("systems")
        db_table = "catalogue_system"
        ordering = ["key"]

    def __str__(self) -> str:
        return self.title


class Dataset(UuidModel):
    """A table. `personal` when a source of personal data answers for it."""

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="datasets", verbose_name=_("system"))
    table = models.CharField(_("table"), max_length=64, unique=True)
    title = models.CharField(_("title"), max_length=160)
    personal = models.BooleanField(_("personal data"), default=False)
    source_key = models.CharField(_("source"), max_length=64, blank=True)
    categories = ArrayField(models.CharField(max_length=120), verbose_name=_("categories"), default=list, blank=True)
    gone_at = models.DateTimeField(_("gone since"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("data set")
        verbose_name_plural = _("data map")
        db_table = "catalogue_dataset"
        ordering = ["table"]

    def __str__(self) -> str:
        return self.table


LACKING = (Q(purpose_key="") | Q(retention="")) & Q(personal=True, gone_at=None, dataset__gone_at=None)
"""Fields with personal data of which nobody has said what they are for, or how long they are kept (Art. 5(1)(b) and (e))."""


class Field(UuidModel):
    """A column. Category, purpose and retention are decisions: `sync` proposes them once and never takes them back."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="fields", verbose_name=_("data set"))
    name = models.CharField(_("column"), max_length=64)
    data_type = models.CharField(_("type"), max_length=64)
    personal = models.BooleanField(_("personal data"), default=False)
    category = models.CharField(_("category"), max_length=120, blank=True)
    purpose_key = models.CharField(_("purpose"), max_length=64, blank=True)
    retention = models.CharField(_("retention"), max_length=200, blank=True)
    gone_at = models.DateTimeField(_("gone since"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("field")
        verbose_name_plural = _("fields")
        db_table = "catalogue_field"
        ordering = ["dataset__table", "name"]
        constraints = [models.UniqueConstraint(fields=["dataset", "name"], name="catalogue_field_once")]

    def __str__(self) -> str:
        return f"{self.dataset_id}.{self.name}"
