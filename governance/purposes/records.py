"""The record of processing activities (Art. 30(1)) as one document that an authority can read (Art. 30(4))."""

from __future__ import annotations

from django.conf import settings

from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.purposes.errors import UnknownPurpose
from governance.purposes.models import ProcessingActivity
from governance.purposes.register import all_current, current
from governance.purposes.terms import PurposeVersion

SCHEMA = "zgoda.record-of-processing/1"
_ARTICLES: dict[str, str] = {
    "purpose_key": "Art. 30(1)(b)",
    "subject_categories": "Art. 30(1)(c)",
    "data_categories": "Art. 30(1)(c)",
    "retention": "Art. 30(1)(f)",
    "security": "Art. 30(1)(g)",
}


def export_record() -> dict[str, JSON]:
    """The whole record as JSON: controller, officer, purposes in force, activities, and per activity what is still missing."""
    return {
        "schema": SCHEMA,
        "generated_at": now().isoformat(),
        "controller": {"name": settings.ZGODA_CONTROLLER, "country": settings.ZGODA_CONTROLLER_COUNTRY},
        "data_protection_officer": {"contact": settings.ZGODA_DPO_CONTACT},
        "purposes": [_purpose(purpose) for purpose in all_current()],
        "activities": [_activity(row) for row in ProcessingActivity.objects.filter(active=True)],
    }


def missing(activity: ProcessingActivity) -> tuple[str, ...]:
    """The points of Art. 30(1) that the entry does not answer, as "Art. 30(1)(f): retention"."""
    gaps = [f"{article}: {field}" for field, article in _ARTICLES.items() if not getattr(activity, field)]
    if activity.purpose_key and _purpose_of(activity) is None:
        gaps.append("Art. 30(1)(b): no such purpose is in force")
    return tuple(gaps)


def _purpose_of(activity: ProcessingActivity) -> PurposeVersion | None:
    try:
        return current(activity.purpose_key)
    except UnknownPurpose:
        return None


def _purpose(purpose: PurposeVersion) -> dict[str, JSON]:
    return {
        "key": purpose.key,
        "version": purpose.version,
        "title": {"en": purpose.title_en, "pl": purpose.title_pl},
        "description": {"en": purpose.description_en, "pl": purpose.description_pl},
        "legal_basis": {"basis": purpose.legal_basis.value, "article": purpose.legal_basis.article},
        "channels": [channel.value for channel in purpose.channels],
        "direct_marketing": purpose.direct_marketing,
        "special_category": purpose.special_category,
        "consent_valid_for_days": purpose.validity_days,
        "in_force_from": purpose.effective_from.isoformat(),
    }


def _activity(row: ProcessingActivity) -> dict[str, JSON]:
    purpose = _purpose_of(row)
    return {
        "name": row.name,
        "description": row.description,
        "purpose": row.purpose_key,
        "legal_basis": purpose.legal_basis.article if purpose else None,
        "joint_controllers": list(row.joint_controllers),
        "categories_of_data_subjects": list(row.subject_categories),
        "categories_of_personal_data": list(row.data_categories),
        "categories_of_recipients": list(row.recipients),
        "transfers": row.transfers or None,
        "time_limits_for_erasure": row.retention or None,
        "security_measures": row.security or None,
        "systems": list(row.systems),
        "impact_assessment": row.impact_assessment or None,
        "missing": list(missing(row)),
    }
