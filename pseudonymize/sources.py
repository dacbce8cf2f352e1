"""The vault as a source of personal data: erased last, because its key opens what the other sources keep sealed."""

from __future__ import annotations

from django.db import connection, transaction

from governance.kernel.actors import SYSTEM
from governance.kernel.canonical import sha256_hex
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, Retained, SourceDefaults
from pseudonymize.identity import IdentifierKind
from pseudonymize.models import DataSubject, RevealedSubject, SubjectIdentifier, SubjectKey, Suppression
from pseudonymize.vault import forget, read_all, rectify

SUBJECTS, IDENTIFIERS = DataSubject._meta.db_table, SubjectIdentifier._meta.db_table
KEYS, SUPPRESSIONS = SubjectKey._meta.db_table, Suppression._meta.db_table
REVEALS = RevealedSubject._meta.db_table

_RESIDUAL = f"""
    SELECT (SELECT count(*) FROM {IDENTIFIERS} WHERE subject_id = %(subject)s)
         + (SELECT count(*) FROM {KEYS} WHERE subject_id = %(subject)s AND octet_length(wrapped) > 0)
         + (SELECT count(*) FROM {SUBJECTS} WHERE id = %(subject)s AND erased_at IS NULL)
         + (SELECT count(*) FROM {REVEALS} WHERE subject_id = %(subject)s)
"""  # noqa: S608  names of our own tables


class VaultSource(SourceDefaults):
    """Who the person is, and the key that everything sealed about them needs."""

    key = "pseudonymize.vault"
    title = "Identity vault"
    tables = frozenset({SUBJECTS, IDENTIFIERS, KEYS, SUPPRESSIONS, REVEALS})
    categories: tuple[str, ...] = ("identity", "contact")
    order = 1000

    def locate(self, subject: SubjectId) -> Located:
        return Located(
            {
                SUBJECTS: DataSubject.objects.filter(id=subject, erased_at__isnull=True).count(),
                IDENTIFIERS: SubjectIdentifier.objects.filter(subject=subject).count(),
                KEYS: SubjectKey.objects.filter(subject=subject, wrapped__isnull=False).count(),
                REVEALS: RevealedSubject.objects.filter(subject=subject).count(),
            }
        )

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """The person's identifiers in the clear (Art. 15, 20), and when they were re-identified and for what.

        The reading is an entry in the log.
        """
        with transaction.atomic():
            found = read_all(subject, purpose="access_request", actor=SYSTEM)
        return [
            ExportRecord(IDENTIFIERS, "given", None, {"kind": kind.value, "value": value})
            for kind, values in sorted(found.items())
            for value in values
        ] + [
            ExportRecord(
                REVEALS,
                "observed",
                row.reveal.request.purpose,
                {"revealed_at": row.revealed_at.isoformat(), "level": row.reveal.request.level},
            )
            for row in RevealedSubject.objects.filter(subject=subject).select_related("reveal__request").order_by("id")
        ]

    def rectify(self, subject: SubjectId, field: str, value: str) -> int:
        """Correct the identifier of the kind that `field` names; fields of other sources are not here."""
        if field not in {*IdentifierKind}:
            return 0
        return rectify(subject, IdentifierKind(field), value, actor=SYSTEM)

    def erase(self, subject: SubjectId) -> Erased:
        """Forget the subject. What is kept says that there was somebody and that they must not come back, and not who."""
        done = forget(subject, actor=SYSTEM, reason="erasure")
        reveals, _ = RevealedSubject.objects.filter(subject=subject).delete()
        return Erased(
            deleted=done.identifiers_deleted + reveals,
            shredded=int(done.key_destroyed),
            retained=self._retained(subject),
        )

    def residual(self, subject: SubjectId) -> Residual:
        with connection.cursor() as cursor:
            cursor.execute(_RESIDUAL, {"subject": subject})
            (count,) = cursor.fetchone() or (0,)
        return Residual(int(count), sha256_hex(_RESIDUAL.encode()))

    @staticmethod
    def _retained(subject: SubjectId) -> tuple[Retained, ...]:
        if not DataSubject.objects.filter(id=subject, erased_at__isnull=False).exists():
            return ()
        key = SubjectKey.objects.filter(subject=subject).first()
        listed = Suppression.objects.filter(suppressed_at=key.destroyed_at).count() if key and key.destroyed_at else 0
        proof = "Art. 5(2): a number without content that proves the erasure"
        again = "Art. 17(1): a keyed digest that keeps the next import from bringing the person back"
        return (
            Retained(SUBJECTS, 1, proof, None),
            Retained(KEYS, 1, proof, None),
            *([Retained(SUPPRESSIONS, listed, again, None)] if listed else []),
        )
