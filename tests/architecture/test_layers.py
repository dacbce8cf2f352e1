"""The floors of the house hold, also on a machine where nobody runs `make check`."""

from importlinter.cli import lint_imports


def test_imports_point_downwards() -> None:
    assert lint_imports(no_cache=True) == 0
