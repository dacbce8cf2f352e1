import pytest

from tools import licences


@pytest.mark.parametrize("licence", ["MIT License", "BSD-3-Clause", "Apache-2.0", "LGPL-3.0-only", "MPL-2.0"])
def test_free_licences_pass(licence: str) -> None:
    assert licences.refused([{"Name": "x", "License": licence}]) == []


@pytest.mark.parametrize("licence", ["UNKNOWN", "Business Source License 1.1", "AGPL-3.0", "Proprietary"])
def test_others_are_named(licence: str) -> None:
    assert licences.refused([{"Name": "x", "License": licence}]) == [f"x ({licence})"]
