"""Every test here has its own key directory, so that it may rotate and destroy keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.kernel import secret_files
from pseudonymize.keys import forget_cached


@pytest.fixture(autouse=True)
def _keys_of_its_own(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.ZGODA_KEYS_DIR = tmp_path / "keys"
    secret_files.forget_cache()
    forget_cached()
    yield
    secret_files.forget_cache()
    forget_cached()
