"""Whatever text and values: the parser gives them back, and no value reaches outside its place."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.channels import mime
from engine.content.slots import Pieces, clean
from tests.unit.engine.test_channels_messages import REFERENCE, SENDER, TOKEN, read, text_of

printable = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp")), max_size=120)
lines = st.lists(printable, max_size=6).map("\n".join)
anything = st.text(max_size=200)


@settings(max_examples=150)
@given(before=lines, between=lines, after=lines, first=anything, second=anything)
def test_a_body_is_its_text_with_the_cleaned_values_in_it(
    before: str, between: str, after: str, first: str, second: str
) -> None:
    body = Pieces((before, between, after), ("name", "offer"))
    made = mime.build_skeleton(
        Pieces(("Hello ", ""), ("name",)),
        body,
        None,
        sender=SENDER,
        language="en",
        unsubscribe_base="https://example.com/u/",
        list_id="marketing.example.com",
    )
    data = mime.compose(
        made, to="a@example.com", message_id=REFERENCE, token=TOKEN, values={"name": first, "offer": second}, date=b""
    )
    message = read(data)
    expected = before + clean(first) + between + clean(second) + after
    assert text_of(message) == expected + "\n"
    assert " ".join(message["Subject"].split()) == " ".join(f"Hello {clean(first)}".split())
    assert message["Bcc"] is None
    assert b"\r\n.\r\n" not in data
