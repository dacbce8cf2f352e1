"""A YAML document whose every value knows its line, so that an error can point at it.

Anchors, aliases and tags are refused (an alias in an alias in an alias is how a small file becomes a huge one), and so are
duplicate keys: the second `email:` would silently win.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import yaml

from governance.kernel.errors import JSON
from pseudonymize.errors import PolicyInvalid

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12
_TEXTUAL = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float"))


class Problems:
    """What is wrong with a document, collected over one reading."""

    def __init__(self) -> None:
        self._found: list[JSON] = []

    def add(self, line: int, pointer: str, detail: str) -> None:
        self._found.append({"line": line, "pointer": pointer, "detail": detail})

    def raise_if_any(self) -> None:
        """Raises PolicyInvalid with every problem in order of line."""
        if self._found:
            ordered = sorted(
                self._found, key=lambda problem: int(str(problem["line"])) if isinstance(problem, dict) else 0
            )
            first = ordered[0]
            where = f"Line {first['line']}: {first['detail']}" if isinstance(first, dict) else ""
            raise PolicyInvalid(where, errors=ordered)


class Value:
    """One value of the document. Its readers return what is there, or note a problem and return something harmless."""

    def __init__(self, node: yaml.Node, pointer: str, problems: Problems) -> None:
        self._node, self.pointer, self._problems = node, pointer, problems

    @property
    def line(self) -> int:
        return self._node.start_mark.line + 1 if self._node.start_mark else 1

    def refuse(self, detail: str) -> None:
        self._problems.add(self.line, self.pointer, detail)

    def fields(self, required: Collection[str] = (), optional: Collection[str] | None = ()) -> dict[str, Value]:
        """A mapping's values by key. `optional` None takes any key; otherwise unknown keys are problems."""
        if not isinstance(self._node, yaml.MappingNode):
            self.refuse("Expected a mapping (key: value).")
            return {}
        found: dict[str, Value] = {}
        for key_node, value_node in self._node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            place = Value(key_node, f"{self.pointer}/{_escape(key)}", self._problems)
            if key in found:
                place.refuse(f"{key!r} is there twice.")
            elif optional is not None and key not in required and key not in optional:
                known = ", ".join(sorted({*required, *optional}))
                place.refuse(f"Unknown key {key!r}; known here: {known}." if known else f"Unknown key {key!r}.")
            else:
                found[key] = Value(value_node, place.pointer, self._problems)
        for key in sorted(set(required) - set(found)):
            self.refuse(f"{key!r} is missing.")
        return found

    @property
    def is_text(self) -> bool:
        """Whether it is one word or number, not a mapping or a list."""
        return isinstance(self._node, yaml.ScalarNode)

    @property
    def span(self) -> tuple[int, int]:
        """Where it stands in the text: from and up to which character."""
        return self._node.start_mark.index, self._node.end_mark.index

    def peek(self) -> dict[str, Value]:
        """A mapping's values by key without judging any; nothing of what is no mapping. For looking before reading."""
        pairs = self._node.value if isinstance(self._node, yaml.MappingNode) else []
        return {
            str(key.value): Value(value, f"{self.pointer}/{_escape(str(key.value))}", self._problems)
            for key, value in pairs
            if isinstance(key, yaml.ScalarNode)
        }

    def items(self) -> list[Value]:
        if not isinstance(self._node, yaml.SequenceNode):
            self.refuse("Expected a list.")
            return []
        return [Value(node, f"{self.pointer}/{index}", self._problems) for index, node in enumerate(self._node.value)]

    def text(self, pattern: str = r"[^\x00-\x1f]{1,500}", what: str = "text") -> str:
        plain = isinstance(self._node, yaml.ScalarNode) and self._node.tag in _TEXTUAL
        if plain and re.fullmatch(pattern, self._node.value):
            return str(self._node.value)
        self.refuse(f"Expected {what}.")
        return ""

    def choice(self, known: Sequence[str]) -> str:
        value = self._node.value if isinstance(self._node, yaml.ScalarNode) else ""
        if value not in known:
            self.refuse(f"Expected one of: {', '.join(known)}.")
            return known[0]
        return str(value)

    def whole(self, low: int, high: int) -> int:
        number = self.number(low, high, what="a whole number")
        if number != int(number):
            self.refuse(f"Expected a whole number from {low} to {high}.")
        return int(number)

    def number(self, low: float, high: float, what: str = "a number") -> float:
        plain = isinstance(self._node, yaml.ScalarNode) and re.fullmatch(
            r"[-+]?\d{1,15}(\.\d{1,15})?", self._node.value
        )
        if not plain or not low <= float(self._node.value) <= high:
            self.refuse(f"Expected {what} from {low:g} to {high:g}.")
            return low
        number = float(self._node.value)
        return int(number) if number.is_integer() else number  # 10 stays 10 where it is shown


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def read(text: str, problems: Problems) -> Value:
    """The document as a value. Raises PolicyInvalid when it is not YAML, or not the harmless part of it."""
    if len(text.encode()) > MAX_BYTES:
        problems.add(1, "", f"The policy is larger than {MAX_BYTES // 1024} kB.")
        problems.raise_if_any()
    try:
        _check_events(text, problems)
        problems.raise_if_any()
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(mark.line + 1 if mark else 1, "", f"Not valid YAML: {error.problem or 'cannot be parsed'}.")
    except yaml.YAMLError:
        problems.add(1, "", "Not valid YAML: a character that YAML does not allow.")
    else:
        if node is not None:
            return Value(node, "", problems)
        problems.add(1, "", "The policy is empty.")
    problems.raise_if_any()
    raise AssertionError  # unreachable: a problem was just added


def _check_events(text: str, problems: Problems) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            problems.add(line, "", "Anchors and aliases are not allowed.")
            return
        if getattr(event, "tag", None):
            problems.add(line, "", "Tags are not allowed.")
            return
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            problems.add(line, "", "Nested too deeply.")
            return
