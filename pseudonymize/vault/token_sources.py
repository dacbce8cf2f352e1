"""Random tokens as a source of personal data: the row that leads from a token back to a person goes before the person's key does."""

from __future__ import annotations

from governance.kernel.canonical import sha256_hex
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, SourceDefaults
from pseudonymize.models import VaultToken
from pseudonymize.vault import random_tokens

TOKENS = VaultToken._meta.db_table
_RESIDUAL = f"SELECT count(*) FROM {TOKENS} WHERE subject_id = %(subject)s"  # noqa: S608  the name of our own table


class TokenVaultSource(SourceDefaults):
    """Which random tokens stand for the person, and in which domains."""

    key = "pseudonymize.token_vault"
    title = "Random tokens"
    tables = frozenset({TOKENS})
    categories: tuple[str, ...] = ("identity",)
    order = 990  # the vault's identifiers, by which tokens are found, are erased after

    def locate(self, subject: SubjectId) -> Located:
        return Located({TOKENS: random_tokens.count(subject)})

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """In which domains the person has tokens; the tokens themselves would only help to join what must not be joined."""
        return [
            ExportRecord(
                TOKENS,
                "observed",
                row.domain.purpose,
                {"domain": row.domain.key, "class": row.column_class, "expires_at": row.expires_at.isoformat()},
            )
            for row in VaultToken.objects.filter(subject=subject).select_related("domain").order_by("id")
        ]

    def erase(self, subject: SubjectId) -> Erased:
        return Erased(deleted=random_tokens.erase(subject))

    def residual(self, subject: SubjectId) -> Residual:
        return Residual(random_tokens.count(subject), sha256_hex(_RESIDUAL.encode()))
