"""Polish and Russian names in their cases, from the dictionaries of Morfeusz and pymorphy."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def _polish() -> Any:
    import morfeusz2

    return morfeusz2.Morfeusz(analyse=False)


@cache
def _russian() -> Any:
    import pymorphy3

    return pymorphy3.MorphAnalyzer()


@cache
def polish(name: str, case: str, *, woman: bool, surname: bool) -> str | None:
    """A name in a case (`nom` … `voc`), or None when the dictionary has no such form."""
    if surname and woman and name.endswith(("ski", "cki", "dzki")):
        name = name[:-1] + "a"
    label, gender = ("nazwisko" if surname else "imię"), ("f" if woman else "m1")
    for lemma in (name, f"{name}:Sf" if woman else f"{name}:Sm1"):
        for form, base, tag, names, _ in _polish().generate(lemma):
            parts = tag.split(":")
            if parts[0] == "subst" and label in names and base.split(":")[0] == name and "sg" in parts[1].split("."):
                if case in parts[2].split(".") and parts[3] == gender:
                    return str(form)
    return name if case == "nom" else None


@cache
def russian(name: str, case: str, *, woman: bool, tag: str) -> str | None:
    """A name in a case (`nomn` … `loct`); `tag`: Name, Surn or Patr. None when the dictionary has no such form."""
    for reading in _russian().parse(name):
        if tag in reading.tag and ("masc" in reading.tag or (tag == "Name" and woman)) and "sing" in reading.tag:
            wanted = {case, "sing"} if tag == "Name" else {case, "sing", "femn" if woman else "masc"}
            form = reading.inflect(wanted)
            if form is not None:
                return "-".join(part.capitalize() for part in str(form.word).split("-"))
    return None
