"""Every test here has its own key directory, so that it may rotate and destroy keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.kernel import secret_files
from pseudonymize.keys.cache import keys as key_cache


@pytest.fixture(autouse=True)
def _keys_of_its_own(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.ZGODA_KEYS_DIR = tmp_path / "keys"
    secret_files.forget_cache()
    key_cache.clear()
    yield
    secret_files.forget_cache()
    key_cache.clear()
