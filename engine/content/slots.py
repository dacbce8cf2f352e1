"""Text with slots, cut into pieces. Pure: no database, no Django.

The syntax is Jinja2's, `Dear {{ name }},`, and Jinja2's own lexer and parser read it. Only text and names of slots are accepted from
the syntax tree; whatever could compute (calls, filters, attributes, loops, conditions, includes) is refused with its line.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes

from engine.content.errors import SlotMissing, TemplateInvalid

NAME: Final = "name"
UNSUBSCRIBE_URL: Final = "unsubscribe_url"
CONTROLLER: Final = "controller"
# Filled by the channel; every other slot gets its value from the campaign.
OF_THE_CHANNEL: Final = frozenset({NAME, UNSUBSCRIBE_URL, CONTROLLER})

_SLOT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
# Everything that is not a printable character or a space: a value must not end a header or draw outside its line.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_ACTIVE = re.compile(r"<\s*(script|iframe|object|embed|form|base|meta)\b|javascript:|\son[a-z]+\s*=", re.IGNORECASE)
_parser = Environment(autoescape=False, keep_trailing_newline=True)  # noqa: S701 - it parses and never renders


@dataclass(frozen=True, slots=True)
class Pieces:
    """`texts[0], value of slots[0], texts[1], …, texts[n]`: one more text than slots."""

    texts: tuple[str, ...]
    slots: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """The slots that occur."""
        return frozenset(self.slots)

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with the values in it. Raises SlotMissing."""
        parts = [self.texts[0]]
        for slot, text in zip(self.slots, self.texts[1:], strict=True):
            if slot not in values:
                raise SlotMissing(f"The slot {slot} has no value.", slot=slot)
            parts += (values[slot], text)
        return "".join(parts)


def cut(source: str, pointer: str = "") -> Pieces:
    """Parse a template. Raises TemplateInvalid naming the line (`pointer` is the field it stands in)."""
    if "\0" in source:
        raise _invalid(pointer, 1, "A template holds no NUL.")
    try:
        tree = _parser.parse(source.replace("\r\n", "\n"))
    except TemplateSyntaxError as error:
        raise _invalid(pointer, error.lineno, "Not well formed.") from error
    texts, slots = [""], []
    for node in tree.body:
        if not isinstance(node, nodes.Output):
            raise _invalid(pointer, node.lineno, f"Only slots are allowed, not {type(node).__name__.lower()}.")
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                texts[-1] += part.data
            elif isinstance(part, nodes.Name) and _SLOT_NAME.match(part.name):
                slots.append(part.name)
                texts.append("")
            else:
                raise _invalid(pointer, part.lineno, "Between the braces stands the name of a slot and nothing else.")
    return Pieces(tuple(texts), tuple(slots))


def clean(value: str, longest: int = 200) -> str:
    """A value as it may stand in a message: one line, no control or direction-changing characters, bounded."""
    return " ".join(_CONTROLS.sub(" ", value).split())[:longest].rstrip()


def require(pieces: Iterable[Pieces], declared: Iterable[str]) -> None:
    """Raise TemplateInvalid unless the slots that occur are exactly the declared ones."""
    occurring: set[str] = set()
    for one in pieces:
        occurring |= one.names
    if undeclared := sorted(occurring - set(declared)):
        raise TemplateInvalid("A slot is used that is not declared.", slots=undeclared)
    if unused := sorted(set(declared) - occurring):
        raise TemplateInvalid("A slot is declared that is not used.", slots=unused)


def check_html(pieces: Pieces) -> None:
    """Refuse active content, and slots where a value could become markup: inside a tag only `…_url` in double quotes is allowed.

    Values are escaped when they are filled in; that protects text and quoted attributes, and nothing else.
    """
    if _ACTIVE.search("".join(pieces.texts)):
        raise _invalid("/html", 1, "No scripts, frames, forms or event handlers.")
    before = ""
    for slot, text in zip(pieces.slots, pieces.texts, strict=False):
        before += text
        inside = before.rfind("<") > before.rfind(">")
        if inside and not (slot.endswith("_url") and before.endswith('"')):
            raise _invalid(
                "/html", before.count("\n") + 1, "Inside a tag only a slot that ends in _url, in double quotes."
            )


def _invalid(pointer: str, line: int, detail: str) -> TemplateInvalid:
    return TemplateInvalid(
        "The template cannot be used.", errors=[{"pointer": pointer, "detail": f"Line {line}: {detail}"}]
    )
