"""Tables: purposes by version, processing activities. No verbs; see register.py and records.py."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from governance.kernel.clock import now
from governance.kernel.models import UuidModel
from governance.purposes.terms import Channel, LegalBasis

BASES = [(basis.value, f"{basis.article} {basis.value.replace('_', ' ')}") for basis in LegalBasis]
CHANNELS = [(channel.value, channel.value) for channel in Channel]


class Purpose(UuidModel):
    """One version of a purpose. Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE."""

    key = models.CharField(_("key"), max_length=64)
    version = models.PositiveIntegerField(_("version"), editable=False)
    edition = models.PositiveBigIntegerField(unique=True, editable=False)
    title_en = models.CharField(_("title (English)"), max_length=160)
    title_pl = models.CharField(_("title (Polish)"), max_length=160)
    description_en = models.TextField(_("description (English)"))
    description_pl = models.TextField(_("description (Polish)"))
    legal_basis = models.CharField(_("legal basis"), max_length=24, choices=BASES)
    channels = ArrayField(models.CharField(max_length=16, choices=CHANNELS), verbose_name=_("channels"))
    double_opt_in = models.BooleanField(_("double opt-in"), default=False)
    validity_days = models.PositiveIntegerField(_("consent runs out after days"), null=True, blank=True)
    direct_marketing = models.BooleanField(
        _("direct marketing"),
        default=False,
        help_text=_("An objection stops it on every legal basis (Art. 21(2) and (3))."),
    )
    special_category = models.BooleanField(_("special categories of data"), default=False, help_text=_("Art. 9(1)."))
    reconsent = models.BooleanField(
        _("asks again"), default=False, help_text=_("Consents to earlier versions do not carry over to this one.")
    )
    dpv_iri = models.CharField(_("DPV concept"), max_length=200, blank=True)
    effective_from = models.DateTimeField(_("in force from"), default=now)
    defined_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        verbose_name = _("purpose")
        verbose_name_plural = _("purposes")
        db_table = "purposes_purpose"
        ordering = ["key", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="purposes_version_once"),
            models.CheckConstraint(condition=Q(key__regex=r"^[a-z][a-z0-9_.-]{1,63}$"), name="purposes_key_form"),
            models.CheckConstraint(
                condition=Q(legal_basis__in=[basis.value for basis in LegalBasis]), name="purposes_basis_known"
            ),
            models.CheckConstraint(
                condition=Q(channels__contained_by=[channel.value for channel in Channel]),
                name="purposes_channels_known",
            ),
            models.CheckConstraint(condition=Q(channels__len__gt=0), name="purposes_channels_any"),
            models.CheckConstraint(
                condition=Q(validity_days__isnull=True) | Q(validity_days__gt=0), name="purposes_validity_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} v{self.version}"


class ProcessingActivity(UuidModel):
    """One entry of the record of processing activities, with what Art. 30(1)(a) to (g) asks for."""

    name = models.CharField(_("name"), max_length=160, unique=True)
    purpose_key = models.CharField(_("purpose"), max_length=64, help_text=_("Art. 30(1)(b)"))
    description = models.TextField(_("description"), blank=True)
    joint_controllers = ArrayField(
        models.CharField(max_length=200),
        verbose_name=_("joint controllers"),
        default=list,
        blank=True,
        help_text=_("Art. 30(1)(a)"),
    )
    subject_categories = ArrayField(
        models.CharField(max_length=120), verbose_name=_("categories of data subjects"), help_text=_("Art. 30(1)(c)")
    )
    data_categories = ArrayField(
        models.CharField(max_length=120), verbose_name=_("categories of personal data"), help_text=_("Art. 30(1)(c)")
    )
    recipients = ArrayField(
        models.CharField(max_length=200),
        verbose_name=_("categories of recipients"),
        default=list,
        blank=True,
        help_text=_("Art. 30(1)(d)"),
    )
    transfers = models.TextField(
        _("transfers to third countries, with safeguards"),
        blank=True,
        help_text=_("Art. 30(1)(e); empty when there are none"),
    )
    retention = models.TextField(_("time limits for erasure"), blank=True, help_text=_("Art. 30(1)(f)"))
    security = models.TextField(_("technical and organisational measures"), blank=True, help_text=_("Art. 30(1)(g)"))
    systems = ArrayField(models.CharField(max_length=120), verbose_name=_("systems"), default=list, blank=True)
    impact_assessment = models.CharField(_("impact assessment"), max_length=200, blank=True, help_text=_("Art. 35"))
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("processing activity")
        verbose_name_plural = _("record of processing (Art. 30)")
        db_table = "purposes_processing_activity"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
