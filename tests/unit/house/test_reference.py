from tools import reference


def test_the_pages_made_from_code_are_current() -> None:
    assert reference.stale() == [], "run: python -m tools.reference"
