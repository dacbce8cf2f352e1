"""Templates are text with slots and nothing that runs."""

import pytest

from engine.content import slots, templates
from engine.content.errors import SlotMissing, TemplateInvalid
from engine.content.templates import Draft

LINK = "{{ unsubscribe_url }}"


def test_text_is_cut_at_its_slots() -> None:
    pieces = slots.cut("Dear {{ name }},\nsee {{offer}}!\n")
    assert pieces == slots.Pieces(("Dear ", ",\nsee ", "!\n"), ("name", "offer"))
    assert pieces.filled({"name": "A", "offer": "B"}) == "Dear A,\nsee B!\n"


def test_a_slot_without_a_value_is_an_error_and_never_an_empty_place() -> None:
    with pytest.raises(SlotMissing):
        slots.cut("Dear {{ name }}").filled({})


@pytest.mark.parametrize(
    "source",
    [
        "{{ name.upper() }}",
        "{{ name|upper }}",
        "{{ name.__class__ }}",
        "{{ name['x'] }}",
        "{{ 1 + 1 }}",
        "{{ 'text' }}",
        "{{ name if name else 'x' }}",
        "{{ self }}".replace("self", "Self"),
        "{{ _x }}",
        "{{ range(10**9) }}",
        "{% for x in y %}{% endfor %}",
        "{% if name %}x{% endif %}",
        "{% include 'secret' %}",
        "{% extends 'x' %}",
        "{% import 'os' as os %}",
        "{% set x = 1 %}",
        "{% macro m() %}{% endmacro %}",
        "{{ name",
        "a\0b",
    ],
)
def test_whatever_could_compute_is_refused(source: str) -> None:
    with pytest.raises(TemplateInvalid):
        slots.cut(source)


def test_the_error_names_the_line() -> None:
    with pytest.raises(TemplateInvalid) as refused:
        slots.cut("fine\nfine\n{{ a.b }}", "/text")
    assert refused.value.fields["errors"] == [
        {"pointer": "/text", "detail": "Line 3: Between the braces stands the name of a slot and nothing else."}
    ]


def test_braces_can_be_written_as_text() -> None:
    assert slots.cut("{% raw %}{{ not a slot }}{% endraw %}").texts == ("{{ not a slot }}",)


@pytest.mark.parametrize(
    ("html", "fine"),
    [
        (f'<a href="{LINK}">stop</a>', True),
        (f"<a href={LINK}>stop</a>", False),
        ('<a title="{{ name }}">x</a>', False),
        ("<{{ name }}>", False),
        ("<script>x</script>", False),
        ("<p onclick=x>", False),
        ('<a href="javascript:x">', False),
        ("<iframe>", False),
        ("<p>{{ name }}</p>", True),
    ],
)
def test_a_value_cannot_become_markup(html: str, fine: bool) -> None:
    if fine:
        slots.check_html(slots.cut(html))
    else:
        with pytest.raises(TemplateInvalid):
            slots.check_html(slots.cut(html))


def test_a_value_is_one_clean_line() -> None:
    assert slots.clean(" Ala\r\nma\x00 kota\u2028\u202e ") == "Ala ma kota"
    assert len(slots.clean("a" * 1000)) == 200


def draft(**changes: str) -> Draft:
    return Draft(
        **({"language": "en", "subject_line": "News", "text": f"Hello {{{{ name }}}} {LINK}", "html": ""} | changes)
    )


DECLARED = frozenset({"name", "unsubscribe_url"})


@pytest.mark.parametrize(
    "drafts",
    [
        [],
        [draft(language="pl")],
        [draft(), draft()],
        [draft(), draft(language="xx")],
        [draft(subject_line="")],
        [draft(subject_line="two\nlines")],
        [draft(subject_line="a" * 201)],
        [draft(text="")],
        [draft(text="Hello {{ name }}")],
        [draft(html="<p>{{ name }}</p>")],
        [draft(text=f"Hello {{{{ other }}}} {LINK}")],
        [draft(text=f"Hello {LINK}")],
    ],
)
def test_a_version_that_lacks_something_is_not_published(drafts: list[Draft]) -> None:
    with pytest.raises(TemplateInvalid):
        templates.check(drafts, DECLARED)


def test_a_version_with_everything_passes() -> None:
    templates.check([draft(), draft(language="pl")], DECLARED)
