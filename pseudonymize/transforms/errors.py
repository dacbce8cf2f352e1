"""What a transform refuses. Plain exceptions, free of Django; a message names a row or a length and never a value."""


class TransformError(Exception):
    """Root of everything this folder raises on purpose."""


class RowError(TransformError):
    """A refusal that one row caused. ``row`` counts from zero in the column as it was passed, chunks laid end to end."""

    reason = "This value is refused"

    def __init__(self, row: int, detail: str = "") -> None:
        self.row = row
        self.detail = detail
        super().__init__(f"{self.reason} (row {row}){': ' + detail if detail else ''}")

    def moved_to(self, row: int) -> "RowError":
        """The same refusal at another row, for callers that worked on a part of the column."""
        return type(self)(row, self.detail)


class KeyLengthInvalid(TransformError):
    """The key has a length that the algorithm does not define."""


class ColumnTypeUnsupported(TransformError):
    """The column's Arrow type has no defined bytes here (cast it to text, binary or the type that is named)."""


class RadixInvalid(TransformError):
    """FF1 is defined here for radix 2 to 36."""


class AssociatedDataInvalid(TransformError):
    """RFC 5297 section 2.4 allows at most 126 components of associated data beside the plaintext."""


class ParameterInvalid(TransformError):
    """A bound, width or length of a transform makes no sense (negative, empty, out of order)."""


class UnknownCanonicaliser(TransformError):
    """No canonicaliser has this name and version."""


class NoCanonicalForm(TransformError):
    """One value cannot be brought to its canonical form. ``kind`` says which form; the value is not kept."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"This is no {kind.replace('_', ' ')}.")


class ForgedValue(RowError):
    """SIV's tag does not verify: the value was altered, or belongs to another key or other associated data."""

    reason = "The ciphertext does not verify"


class DomainTooSmall(RowError):
    """SP 800-38G Rev. 1 requires radix^length >= 1,000,000: shorter values can be enumerated."""

    reason = "The value is too short for format-preserving encryption"


class CharacterOutsideAlphabet(RowError):
    """The value holds a character that is no digit of the radix (0-9, then a-z in lower case)."""

    reason = "The value holds a character outside the alphabet"


class ValueTooLong(RowError):
    """The value is longer than the algorithm's bound."""

    reason = "The value is too long"


class NotAToken(RowError):
    """The text is not a token of the self-describing format, or its check character is wrong."""

    reason = "The value is not a token"


class ForeignToken(RowError):
    """A well-formed token of another domain, epoch or kind."""

    reason = "The token belongs to another domain, epoch or kind"


class NotCanonical(RowError):
    """A value of a column cannot be brought to its canonical form (no such address, number or date)."""

    reason = "The value has no canonical form"


class PersonMissing(RowError):
    """A date has no person, so there is no shift that would keep that person's intervals."""

    reason = "The row has a date and no person"


class HierarchyGap(RowError):
    """The generalisation hierarchy has no parent for this value and no default was given."""

    reason = "The hierarchy does not cover the value"
