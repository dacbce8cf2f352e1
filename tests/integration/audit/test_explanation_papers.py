"""The dossier shows each tier what it may see, and the paper of it carries a signature that any change breaks."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from audit import decisions, reviews, sealing, sequencer
from audit.explanations import dossiers, papers, reasons
from audit.explanations.reasons import Tier
from audit.models import Entry
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.audit.arrange import DANA
from tests.integration.audit.deciding import batch, register_words
from tests.people import CAROL

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "_families", {})
    register_words()


@pytest.fixture
def carol(db: None) -> SubjectId:
    (subject,) = vault.enrol([Identity({IdentifierKind.EMAIL: CAROL.email})], actor=SYSTEM, source="test").subjects
    assert subject is not None
    return subject


@pytest.fixture
def decision(carol: SubjectId) -> decisions.Decision:
    sealed = sealing.seal_many([carol], sealing.INPUT, [json.dumps({"weeks_since_visit": 7, "shop": "Łódź"}).encode()])
    made = batch(1, subjects=[carol], sealed_inputs=sealed, random_draw=[0.25])
    recorded = decisions.record(replace(made, seed="2017"))
    reviews.contest(recorded.decision_ids[0], subject=carol, sealed_statement=b"s", actor=Actor(ActorKind.SUBJECT, "x"))
    sequencer.sequence()
    return decisions.get(recorded.decision_ids[0])


def text_of(dossier: dossiers.Dossier) -> str:
    return json.dumps(
        [[one.title, one.lines, one.facts, [bar.text for bar in one.bars], one.verbatim] for one in dossier.sections]
    )


def test_the_officer_sees_reasons_grounds_chance_and_reviews_and_the_authority_the_input_too(
    decision: decisions.Decision, carol: SubjectId
) -> None:
    officer = dossiers.of(decision.id, Tier.DPO, actor=DANA)
    authority = dossiers.of(decision.id, Tier.AUTHORITY, actor=DANA)

    for told in (text_of(officer), text_of(authority)):
        for word in ("2017", "0.25", "Chance", "Contested", "policy-7", str(decision.verdict_id), "We earn"):
            assert word in told
        assert str(carol) not in told
    assert "weeks_since_visit" in text_of(officer)
    assert "\\\\u0141" not in text_of(authority)
    frozen = next(one for one in authority.sections if one.title == "Frozen input")
    assert json.loads(frozen.verbatim) == {"weeks_since_visit": 7, "shop": "Łódź"}
    assert "Frozen input" not in {one.title for one in officer.sections}
    receipt = json.loads(authority.sections[-1].verbatim)
    assert receipt["format"] == "zgoda-decision-receipt/1"
    read = Entry.objects.filter(action="decision.read", object=f"decision:{decision.id}")
    assert read.count() == 2
    assert all(str(carol) not in entry.header for entry in read)


# A typeface of three thousand letters is read for each paper.
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "pl"])
def test_a_paper_is_signed_has_polish_letters_and_shows_a_change(decision: decisions.Decision, language: str) -> None:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import ValidationContext, validate_pdf_signature

    if language == "pl":
        pdf = papers.of_person(reasons.explain(decision.id, "pl"))
    else:
        pdf = papers.of_dossier(dossiers.of(decision.id, Tier.AUTHORITY, actor=DANA))
    root = papers._signer().signing_cert
    assert root.dump() == _der(papers.certificate())

    def holds(data: bytes) -> bool:
        signature = PdfFileReader(io.BytesIO(data)).embedded_signatures[0]
        return bool(validate_pdf_signature(signature, ValidationContext(trust_roots=[root])).bottom_line)

    assert holds(pdf)
    for place in (len(pdf) // 3, len(pdf) // 2):
        changed = bytearray(pdf)
        changed[place] ^= 1
        try:
            assert not holds(bytes(changed))
        except Exception as error:  # noqa: BLE001 - a file that is no PDF any more is no paper either
            assert not isinstance(error, AssertionError)  # noqa: PT017
    fonts = [line for line in pdf.split(b"\n") if b"FontName" in line or b"/BaseFont" in line]
    assert fonts
    assert all(b"Inter" in line for line in fonts if b"BaseFont" in line)
    assert b"FontFile2" in pdf, "the typeface travels with the paper"


def _der(pem: bytes) -> bytes:
    from pyhanko.keys import load_certs_from_pemder_data

    return bytes(next(iter(load_certs_from_pemder_data(pem))).dump())
