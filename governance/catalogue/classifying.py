"""What the columns of the catalogue hold, guessed from a sample of their values: proposals where nobody has decided.

Only text columns are looked at; values are read, judged and dropped, and neither written nor logged. What people have set stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from psycopg import sql

from audit import log
from governance.catalogue.models import Field
from governance.kernel.actors import Actor
from pseudonymize.detection import ColumnGuess, Kind, classify_column

_TEXTS = ("CharField", "TextField", "EmailField", "GenericIPAddressField", "URLField", "SlugField")
_UNSURE = 0.5
"""Guesses less sure than this are no proposals."""
_CATEGORIES = {
    Kind.EMAIL: "contact",
    Kind.PHONE: "contact",
    Kind.ADDRESS: "contact",
    Kind.URL: "online identifier",
    Kind.IP_ADDRESS: "online identifier",
    Kind.MAC_ADDRESS: "online identifier",
    Kind.PERSON: "identity",
    Kind.LOCATION: "location",
    Kind.DATE_TIME: "date",
    Kind.IBAN: "payment",
    Kind.CREDIT_CARD: "payment",
    Kind.NRP: "special category",
}
_IDENTIFIER = "identifier"
_FREE_TEXT = "free text with personal data"


@dataclass(frozen=True)
class Proposal:
    """A column, the category proposed for it, and how sure the guess is (0 to 1)."""

    table: str
    column: str
    category: str
    confidence: float


def classify(*, actor: Actor, sample: int = 1_000, language: str = "en", write: bool = True) -> list[Proposal]:
    """Guess every text column without a category. ``write``: put the category into the catalogue and the change into the log.

    ``sample``: distinct values looked at per column. Raises LanguageNotSupported.
    """
    fields = (
        Field.objects.filter(category="", gone_at=None, dataset__gone_at=None, data_type__in=_TEXTS)
        .select_related("dataset")
        .order_by("dataset__table", "name")
    )
    proposals = []
    for field in fields:
        values = _sample(field.dataset.table, field.name, sample)
        guess = classify_column(values, name=field.name, language=language, sample=sample)
        category = _category(guess)
        if values and category and guess.confidence >= _UNSURE:
            proposals.append(Proposal(field.dataset.table, field.name, category, round(guess.confidence, 3)))
    if write and proposals:
        _write(proposals, actor)
    return proposals


def _sample(table: str, column: str, size: int) -> list[str]:
    """Distinct values of a column, from its first rows: enough for a guess, and quick on tables of any size."""
    query = sql.SQL(
        "SELECT DISTINCT value FROM (SELECT {column}::text AS value FROM {table} LIMIT %s) AS few LIMIT %s"
    ).format(column=sql.Identifier(column), table=sql.Identifier(table))
    with connection.cursor() as cursor:
        cursor.execute(query, [size * 20, size])
        return [value for (value,) in cursor.fetchall() if value]


def _category(guess: ColumnGuess) -> str:
    if guess.kind is not None:
        return _CATEGORIES.get(guess.kind, _IDENTIFIER)
    return _FREE_TEXT if guess.free_text and guess.personal else ""


@transaction.atomic
def _write(proposals: Sequence[Proposal], actor: Actor) -> None:
    """Fill in what is still empty: a decision made meanwhile wins."""
    for proposal in proposals:
        field = (
            Field.objects.select_for_update()
            .filter(dataset__table=proposal.table, name=proposal.column, category="")
            .first()
        )
        if field is None:
            continue
        field.category, field.personal = proposal.category, True
        field.save(update_fields=["category", "personal"])
        log.emit(
            "catalogue.classified",
            actor=actor,
            object=f"catalogue_field:{field.id}",
            facts={"category": proposal.category, "confidence": proposal.confidence},
        )
