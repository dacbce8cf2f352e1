"""Receipts: by the published structure, the same every time, verified by a key alone, taken over elsewhere."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.test import Client
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from consent import gate, ledger, notices, receipts, records, signing
from consent.errors import ReceiptNotUsable, UnknownEvent
from consent.events import evidence
from consent.terms import EventType, State
from governance.kernel.actors import SYSTEM
from governance.kernel.crypto import SignatureInvalid, SigningKey, jws_sign
from governance.kernel.ids import SubjectId, opaque, uuid7
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, draft, give, person, withdraw
from tests.integration.consent.test_api import pipeline
from tests.people import ALICE

pytestmark = pytest.mark.django_db

SCRIPT = Path(receipts.__file__).with_name("verify_receipt.py")
KINDS = (
    "requested",
    "given",
    "confirmed",
    "reaffirmed",
    "refused",
    "objected",
    "restricted",
    "signal_optout",
    "withdrawn",
    "terminated",
)


def content_of(receipt: str) -> dict[str, Any]:
    return receipts.verify(receipt, signing.public_key())


def given_receipt(**changes: Any) -> str:
    arrange.purpose(dpv_iri="https://w3id.org/dpv#DirectMarketing", **changes)
    return receipts.issue(give(person(), arrange.notice(data_categories=["e-mail address"])).event_id)


def test_a_receipt_says_what_iso_27560_asks_for() -> None:
    arrange.purpose(dpv_iri="https://w3id.org/dpv#DirectMarketing", validity_days=365)
    shown = arrange.notice(
        data_categories=["e-mail address"], controller="Example Retail", controller_contact="Polna 1, Warsaw"
    )
    subject = person()
    event = give(subject, shown).event_id
    content = content_of(receipts.issue(event))
    record = content["dpv:hasRecordOfActivity"]
    (process,) = record["dpv:hasProcess"]
    assert content["dct:conformsTo"][0] == "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
    assert record["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
    assert (content["dct:identifier"], record["dct:identifier"]) == (opaque("rcp", event), opaque("cev", event))
    assert record["dpv:hasDataSubject"]["dct:identifier"] == opaque("sub", subject)
    assert record["dpv:hasNotice"]["zgoda:content_sha256"] == notices.version(shown).content_sha256
    assert record["dpv:hasNotice"]["dct:language"] == record["dct:language"] == "en"
    assert process["dpv:hasPurpose"]["@type"] == ["dpv:Purpose", "https://w3id.org/dpv#DirectMarketing"]
    assert process["dpv:hasPersonalData"] == [{"@type": "dpv:PersonalData", "skos:prefLabel": "e-mail address"}]
    assert process["dpv:hasRecipient"] == [{"@type": "dpv:Recipient", "skos:prefLabel": "our mail provider"}]
    assert process["dpv:hasConsentControl"]["dct:description"] == "One click in every message."
    assert record["dpv:hasLegalBasis"] == "eu-gdpr:A6-1-a"
    assert record["dpv:hasConsentStatus"]["@type"] == "dpv:ConsentGiven"
    (controller,) = record["dpv:hasEntity"]
    assert (controller["dpv:hasName"], controller["dpv:hasAddress"]) == ("Example Retail", "Polna 1, Warsaw")
    assert record["zgoda:event_sha256"] == ledger.event(event).event_sha256


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_event_has_a_receipt_of_the_published_form(kind: str) -> None:
    arrange.purpose()
    shown, subject = arrange.notice(), person()
    if kind in ("confirmed", "reaffirmed"):
        give(subject, shown)
    cited = {"notice_version_id": shown} if kind in ("given", "reaffirmed") else {}
    broad = {"purpose": "*", "channel": "*"} if kind in ("objected", "withdrawn") else {}
    event = ledger.record(draft(subject, kind, **cited, **broad), actor=STAFF)[0].event_id
    content = content_of(receipts.issue(event))
    Draft202012Validator(receipts.schema()).validate(content)
    assert receipts.summary(content).event == kind
    assert EventType(kind) in records.STATUSES


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document that has a key."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, one in inner for place in [(*at, key), *paths(one, (*at, key))]]


@pytest.mark.slow  # validates every field by itself
def test_a_receipt_without_any_one_of_its_fields_does_not_keep_the_schema() -> None:
    receipt = given_receipt()
    validator = Draft202012Validator(receipts.schema())
    Draft202012Validator.check_schema(receipts.schema())
    fields = [
        path
        for path in paths(content_of(receipt))
        if isinstance(path[-1], str) and path[-1] not in ("skos", "xsd", "rdf")
    ]
    assert len(fields) > 60
    for path in fields:
        content = content_of(receipt)
        holder: Any = content
        for step in path[:-1]:
            holder = holder[step]
        if path[0] == "@context" and len(path) > 1:
            holder[path[-1]] = 5
        else:
            del holder[path[-1]]
        with pytest.raises(ValidationError):
            validator.validate(content)


def test_every_term_resolves_inside_the_receipt() -> None:
    """As JSON-LD: no remote context, every prefix declared once, every key an IRI, a keyword or nothing."""
    content = content_of(given_receipt())
    context = content["@context"]
    prefixes = [iri for iri in context.values() if isinstance(iri, str)]
    assert all(iri.startswith(("https://", "http://", "urn:")) and iri[-1] in "#/" for iri in prefixes)
    for path in paths(content):
        key = path[-1]
        if isinstance(key, str) and path[0] != "@context" and not key.startswith("@"):
            assert key.partition(":")[0] in context, path
    terms = set(re.findall(r'"((?:dpv|eu-gdpr|loc|zgoda):[^"]+)"', json.dumps(content)))
    assert {term.partition(":")[0] for term in terms} <= set(context)


# Every term that our receipts use, each looked up in the vocabulary: DPV 2.3 with the extensions EU-GDPR, LEGAL-EU and LOC, at
# github.com/w3c/dpv. A new one is looked up there before it is added here.
IN_DPV = {
    "dpv": """Collect ConsentExpired ConsentGiven ConsentNotice ConsentReceipt ConsentRecord ConsentRefused ConsentRequestDeferred
        ConsentRequested ConsentRevoked ConsentUnknown ConsentInvalidated ConsentWithdrawn DataController DataSubject ExpressedConsent
        GuardianOfDataSubject PersonalData Process Purpose Recipient RenewedConsentGiven Representative Store StorageDuration
        StorageLocation UntilEventDuration Use WithdrawConsent hasAddress hasApplicableLaw hasConsentControl hasConsentStatus hasContact
        hasDataController hasDataSubject hasDuration hasEntity hasJurisdiction hasLegalBasis hasLocation hasName hasNotice
        hasPersonalData hasProcess hasProcessing hasPurpose hasRecipient hasRecordOfActivity hasRight hasStorageCondition
        isImplementedByEntity""",
    "eu-gdpr": "A6-1-a A6-1-b A6-1-c A6-1-d A6-1-e A6-1-f A7-3 A13 A15 A16 A17 A18 A20 A21 A77",
    "legal-eu": "law-GDPR",
    "loc": "EU PL",
}


def test_every_term_of_the_vocabulary_is_one_that_it_has() -> None:
    arrange.purpose(dpv_iri="")
    notice = arrange.notice(data_categories=["e-mail address"])
    subject = person()
    events = [give(subject, notice).event_id]
    events += [ledger.record(draft(subject, kind), actor=STAFF)[0].event_id for kind in ("objected", "withdrawn")]
    said = json.dumps([content_of(receipts.issue(event)) for event in events])
    said += json.dumps([*records.STATUSES.values(), *records._BASES.values(), *records._ENTITIES.values()])
    known = {f"{prefix}:{term}" for prefix, terms in IN_DPV.items() for term in terms.split()}
    assert set(re.findall(r'"((?:dpv|eu-gdpr|legal-eu|loc):[^"]+)"', said)) <= known


def test_names_of_things_are_names_and_not_words_for_whoever_reads_json_ld() -> None:
    """In JSON-LD a text is only a text unless the context says that it names something."""
    content = content_of(given_receipt())
    context = content["@context"]

    def walk(value: Any) -> None:
        for name, one in value.items() if isinstance(value, dict) else ():
            for text in one if isinstance(one, list) else [one]:
                if (
                    isinstance(text, str)
                    and re.match(r"(dpv|eu-gdpr|legal-eu|loc|zgoda):", text)
                    and not name.startswith("@")
                ):
                    assert context[name] == {"@id": name, "@type": "@id"}, name
                elif isinstance(text, dict):
                    walk(text)

    walk({name: one for name, one in content.items() if name != "@context"})


def test_nothing_in_a_receipt_names_the_person() -> None:
    subject = vault.enrol(
        [Identity({IdentifierKind.EMAIL: ALICE.email, IdentifierKind.NAME: ALICE.name})], actor=SYSTEM, source="tests"
    ).subjects[0]
    assert subject is not None
    arrange.purpose()
    text = json.dumps(
        content_of(receipts.issue(give(subject, arrange.notice(), evidence={"email": ALICE.email}).event_id))
    )
    assert ALICE.email not in text
    assert ALICE.name not in text


def test_a_receipt_verifies_with_the_public_key_alone() -> None:
    receipt = given_receipt()
    head, body, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in receipt.split("."))
    Ed25519PublicKey.from_public_bytes(signing.public_key()).verify(signature, receipt.rpartition(".")[0].encode())
    assert json.loads(head)["typ"] == receipts.TYP
    assert json.loads(head)["alg"] == signing.public_jwk()["alg"] == "Ed25519"
    assert json.loads(body) == content_of(receipt)


def test_the_same_event_makes_the_same_receipt_and_a_changed_one_does_not_verify() -> None:
    arrange.purpose()
    event = withdraw(person(), purpose="*", channel="*").event_id
    receipt = receipts.issue(event)
    assert receipts.issue(event) == receipt
    for place in range(0, len(receipt) - 1, 23):
        other = "A" if receipt[place] != "A" else "B"
        with pytest.raises(SignatureInvalid):
            content_of(receipt[:place] + other + receipt[place + 1 :])
    with pytest.raises(SignatureInvalid):
        receipts.verify(receipt, bytes(32))
    with pytest.raises(UnknownEvent):
        receipts.issue(uuid7())


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script by itself: no access to this project, isolated from the environment."""
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow  # starts Python five times
def test_the_script_verifies_offline_and_refuses_what_was_changed(tmp_path: Path) -> None:
    receipt = given_receipt()
    file, keys, hexadecimal = tmp_path / "receipt.jwt", tmp_path / "keys.json", signing.public_key().hex()
    file.write_text(receipt + "\n", "utf-8")
    keys.write_text(json.dumps(Client().get("/api/v1/consent/keys").json()), "utf-8")
    good = run_script(str(file), "--public-key", hexadecimal)
    assert good.returncode == 0, good.stderr
    assert "genuine and unchanged" in good.stdout
    assert "Newsletter" in good.stdout
    whole = run_script(str(file), "--public-key", str(keys), "--json")
    assert json.loads(whole.stdout) == content_of(receipt)
    assert run_script(str(file), "--public-key", "00" * 32).returncode == 1
    body = receipt.split(".")[1]
    file.write_text(receipt.replace(body, body[:40] + ("A" if body[40] != "A" else "B") + body[41:]), "utf-8")
    assert run_script(str(file), "--public-key", hexadecimal).returncode == 1
    assert run_script(str(tmp_path / "missing"), "--public-key", hexadecimal).returncode == 2


def elsewhere(content: dict[str, Any], key: SigningKey) -> str:
    return jws_sign(key, content, receipts.TYP)


def test_another_controllers_receipt_becomes_an_import_with_itself_as_evidence() -> None:
    key, content = SigningKey.generate(), content_of(given_receipt())
    receipt = elsewhere(content, key)
    subject = vault.enrol([Identity({IdentifierKind.EMAIL: ALICE.email})], actor=SYSTEM, source="tests").subjects[0]
    assert subject is not None
    taken = receipts.take_over(receipt, key.public_bytes, subject=subject, actor=STAFF)
    assert taken.status is State.GIVEN
    assert ledger.event(taken.event_id).event_type is EventType.IMPORTED
    assert gate.check(subject, "newsletter", "email").allowed
    kept = evidence.reveal(taken.event_id)
    assert kept is not None
    assert kept["receipt"] == receipt
    assert receipts.take_over(receipt, key.public_bytes, subject=subject, actor=STAFF).duplicate


def test_what_is_not_a_consent_or_not_signed_is_not_taken_over() -> None:
    arrange.purpose()
    key = SigningKey.generate()
    refused = elsewhere(content_of(receipts.issue(withdraw(person()).event_id)), key)
    with pytest.raises(ReceiptNotUsable):
        receipts.take_over(refused, key.public_bytes, subject=person(), actor=STAFF)
    with pytest.raises(SignatureInvalid):
        receipts.take_over(refused, signing.public_key(), subject=person(), actor=STAFF)
    with pytest.raises(SignatureInvalid):
        receipts.take_over(elsewhere({"anything": 1}, key), key.public_bytes, subject=person(), actor=STAFF)


def test_a_receipt_is_no_double_opt_in() -> None:
    key = SigningKey.generate()
    receipt = elsewhere(content_of(given_receipt()), key)
    arrange.purpose("strict", double_opt_in=True)
    subject = vault.enrol([Identity({IdentifierKind.EMAIL: ALICE.email})], actor=SYSTEM, source="tests").subjects[0]
    taken = receipts.take_over(receipt, key.public_bytes, subject=SubjectId(subject), actor=STAFF, purpose="strict")  # type: ignore[arg-type]
    assert taken.status is State.PENDING_CONFIRMATION
    assert not gate.check(SubjectId(subject), "strict", "email").allowed  # type: ignore[arg-type]


def test_over_rest_the_schema_is_open_and_a_receipt_is_taken_over() -> None:
    assert Client().get("/api/v1/consent/receipts/schema").json() == receipts.schema()
    key, content = SigningKey.generate(), content_of(given_receipt())
    subject = vault.enrol(
        [Identity({IdentifierKind.CUSTOMER_ID: ALICE.customer_id})], actor=SYSTEM, source="tests"
    ).subjects[0]
    assert subject is not None
    body = {"customer_id": ALICE.customer_id, "receipt": elsewhere(content, key), "public_key": key.public_bytes.hex()}
    status, taken = pipeline("consent:write")("POST", "receipts/import", body)
    assert (status, taken["status"]) == (201, "given")
    assert pipeline("consent:read")("POST", "receipts/import", body)[0] == 403
