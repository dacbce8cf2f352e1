"""Where profiles hold personal data."""

from __future__ import annotations

from django.db import transaction
from django.forms.models import model_to_dict

from engine.events import locks
from engine.profiles.models import Profile, SeenBasket
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, SourceDefaults
from governance.kernel.subject_tables import count_residual

_RESIDUAL = """
SELECT (SELECT count(*) FROM engine_profile WHERE subject_id::text = %(subject)s)
     + (SELECT count(*) FROM engine_profile_basket WHERE subject_id::text = %(subject)s)
"""


class Profiles(SourceDefaults):
    """What the person's events add up to. Derived, so it goes after the events that it is derived from."""

    key = "engine.profiles"
    title = "Profile made of the shopping history"
    tables: frozenset[str] = frozenset({"engine_profile", "engine_profile_basket"})
    categories: tuple[str, ...] = ("behaviour", "transactions")
    order = 310

    def locate(self, subject: SubjectId) -> Located:
        return Located(
            {
                "engine_profile": Profile.objects.filter(subject_id=subject).count(),
                "engine_profile_basket": SeenBasket.objects.filter(subject_id=subject).count(),
            }
        )

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """The profile itself; the baskets it counted are in the history."""
        return [
            ExportRecord("engine_profile", "inferred", None, _plain(profile))
            for profile in Profile.objects.filter(subject_id=subject)
        ]

    def erase(self, subject: SubjectId) -> Erased:
        """Delete the profile; an absorption that is under way is waited for, and finds no events afterwards."""
        with transaction.atomic():
            locks.own_history()
            profiles, _ = Profile.objects.filter(subject_id=subject).delete()
            baskets, _ = SeenBasket.objects.filter(subject_id=subject).delete()
        return Erased(deleted=profiles + baskets)

    def residual(self, subject: SubjectId) -> Residual:
        return count_residual(_RESIDUAL, subject)


def _plain(profile: Profile) -> dict[str, object]:
    fields = model_to_dict(profile)
    fields.pop("subject_id", None)
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in fields.items()}
