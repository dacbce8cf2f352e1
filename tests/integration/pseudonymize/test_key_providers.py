"""Where the root keys can be: each provider does the same, fails closed the same way, and hands over to any other."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from governance.kernel.crypto import SealBroken
from pseudonymize import keys, vault
from pseudonymize.errors import KeyDestroyed, KeyNotHeld, KeyProviderUnavailable
from pseudonymize.keys import epoch_keys
from pseudonymize.keys.provider import KeyState, ProviderName, provider_named
from pseudonymize.models import KeyEncryptionKey, SubjectKey
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled, invariants_hold
from tests.integration.pseudonymize.transit_server import TOKEN, Transit, transit
from tests.people import ALICE, BOB, ERIN

K = IdentifierKind
PIN = "1234"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


def secret(name: str, text: str, settings: Any) -> None:
    directory = Path(settings.ZGODA_KEYS_DIR)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    (directory / name).write_text(text)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A real SoftHSM token, one per session: the library reads its configuration once per process."""
    tool = shutil.which("softhsm2-util")
    module = next((path for path in MODULES if Path(path).exists()), None)
    if tool is None or module is None:
        pytest.skip("softhsm2-util is not installed: apt-get install softhsm2")
    directory = tmp_path_factory.mktemp("softhsm")
    (directory / "tokens").mkdir()
    configuration = directory / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    command = [tool, "--init-token", "--free", "--label", "zgoda-tests", "--pin", PIN, "--so-pin", "5678"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    yield module, "zgoda-tests"
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture
def pkcs11(softhsm: tuple[str, str], settings: Any) -> ProviderName:
    settings.ZGODA_PKCS11_MODULE, settings.ZGODA_PKCS11_TOKEN = softhsm
    settings.ZGODA_KEY_PREFIX = f"t{os.urandom(4).hex()}"
    secret("pkcs11-pin", PIN, settings)
    return ProviderName.PKCS11


@pytest.fixture
def server(settings: Any) -> Iterator[Transit]:
    with transit() as running:
        settings.ZGODA_VAULT_URL = running.url
        secret("vault-token", TOKEN, settings)
        yield running


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderName]:
    moto = pytest.importorskip("moto", reason="moto plays AWS KMS")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with moto.mock_aws():
        yield ProviderName.AWS_KMS


@pytest.fixture(
    params=[
        ProviderName.SEALED_FILE,
        ProviderName.PKCS11,
        ProviderName.VAULT,
        # The client of AWS takes two seconds to be made.
        pytest.param(ProviderName.AWS_KMS, marks=pytest.mark.slow),
    ]
)
def name(request: pytest.FixtureRequest, settings: Any) -> ProviderName:
    needs = {ProviderName.PKCS11: "pkcs11", ProviderName.VAULT: "server", ProviderName.AWS_KMS: "kms"}
    if request.param in needs:
        request.getfixturevalue(needs[request.param])
    settings.ZGODA_KEY_PROVIDER = request.param
    return ProviderName(request.param)


def readable(subjects: list[Any]) -> dict[Any, Any]:
    keys.forget_cached()
    with transaction.atomic():
        return vault.read(subjects, [K.EMAIL], purpose="test", actor=IMPORTER)


def test_a_provider_wraps_one_key_and_opens_it_where_it_belongs_only(name: ProviderName) -> None:
    at, key = provider_named(name), os.urandom(32)
    at.check()
    reference = at.create(7)
    assert at.create(7) == reference
    other = at.create(8)
    assert at.key_state(reference) is KeyState.HELD

    wrapped = at.wrap(reference, key, b"version 7")

    assert key not in wrapped
    assert at.wrap(reference, key, b"version 7") != wrapped
    assert at.unwrap(reference, wrapped, b"version 7") == key
    for where, record, associated in [
        (reference, wrapped, b"version 8"),
        (other, wrapped, b"version 7"),
        (reference, wrapped[:-5] + (b"AAAA" if wrapped[-5:-1] != b"AAAA" else b"BBBB") + wrapped[-1:], b"version 7"),
    ]:
        # AWS (as moto plays it) says "access denied" of another key's record.
        with pytest.raises((SealBroken, KeyProviderUnavailable)):
            at.unwrap(where, record, associated)
    at.destroy(reference)
    at.destroy(reference)
    assert at.key_state(reference) is KeyState.ABSENT
    with pytest.raises(KeyNotHeld):
        at.unwrap(reference, wrapped, b"version 7")
    with pytest.raises(KeyNotHeld):
        at.wrap(reference, key, b"version 7")


@pytest.mark.django_db
def test_the_vault_works_on_any_provider_through_rotation_and_destruction(name: ProviderName) -> None:
    subjects = enrolled(ALICE, BOB)
    before = readable(subjects)
    assert KeyEncryptionKey.objects.get().provider == name

    keys.rotate(actor=IMPORTER)
    keys.rewrap(actor=IMPORTER)
    keys.destroy_version(1, actor=IMPORTER)

    assert readable(subjects) == before
    gone = KeyEncryptionKey.objects.get(version=1)
    assert provider_named(name).key_state(gone.reference) is KeyState.ABSENT
    with pytest.raises(KeyDestroyed):
        epoch_keys.material(1)
    assert invariants_hold()


@pytest.mark.django_db
def test_keys_of_a_token_cannot_be_taken_out(pkcs11: ProviderName, settings: Any) -> None:
    import pkcs11 as library
    from pkcs11.exceptions import AttributeSensitive, PKCS11Error

    at = provider_named(pkcs11)
    reference = at.create(1)
    module = library.lib(settings.ZGODA_PKCS11_MODULE)
    with module.get_token(token_label=settings.ZGODA_PKCS11_TOKEN).open(rw=True, user_pin=PIN) as session:
        held = session.get_key(label=reference)
        assert held[library.Attribute.EXTRACTABLE] is False
        assert held[library.Attribute.SENSITIVE] is True
        with pytest.raises(AttributeSensitive):
            held[library.Attribute.VALUE]
        wrapping = session.generate_key(library.KeyType.AES, 256, template={library.Attribute.WRAP: True})
        with pytest.raises(PKCS11Error):
            wrapping.wrap_key(held, mechanism=library.Mechanism.AES_KEY_WRAP)
    secret("pkcs11-pin", "9999", settings)
    with pytest.raises(KeyProviderUnavailable):
        at.check()


@pytest.mark.django_db
def test_a_provider_is_asked_once_per_version_and_not_once_per_person(server: Transit, settings: Any) -> None:
    settings.ZGODA_KEY_PROVIDER = ProviderName.VAULT
    people = [Identity({K.EMAIL: f"p{number}@example.com"}) for number in range(200)]
    subjects = vault.enrol(people, actor=IMPORTER, source="crm").subjects
    keys.forget_cached()
    server.requests.clear()

    with transaction.atomic():
        vault.read([subject for subject in subjects if subject], [K.EMAIL], purpose="test", actor=IMPORTER)
        vault.find_subject(K.EMAIL, "p7@example.com")

    assert server.requests == ["POST /v1/transit/decrypt/zgoda-kek-0001"]


@pytest.mark.django_db
@pytest.mark.parametrize("down", ["sealed", "refuses", "gone"])
def test_with_the_provider_down_all_goes_on_until_the_cache_ends_and_then_nothing_opens(
    server: Transit, settings: Any, monkeypatch: pytest.MonkeyPatch, down: str
) -> None:
    """security.md, fail-closed matrix, row KMS: 503 after the TTL; erasing works all the same."""
    settings.ZGODA_KEY_PROVIDER = ProviderName.VAULT
    clock = [1000.0]
    monkeypatch.setattr(epoch_keys.held, "_clock", lambda: clock[0])
    alice, erin = enrolled(ALICE, ERIN)
    if down == "sealed":
        server.down = True
    elif down == "refuses":
        secret("vault-token", "another", settings)
    else:
        settings.ZGODA_VAULT_URL = "http://127.0.0.1:1"

    clock[0] += epoch_keys.SECONDS - 1
    keys.kek.key_cache.clear()
    with transaction.atomic():
        assert vault.read([alice], [K.EMAIL], purpose="test", actor=IMPORTER)[alice] == {K.EMAIL: ALICE.email}
    assert vault.enrol([Identity({K.EMAIL: "new@example.com"})], actor=IMPORTER, source="crm").created == 1

    clock[0] += 2
    keys.kek.key_cache.clear()
    for attempt in (
        lambda: vault.read([alice], [K.EMAIL], purpose="test", actor=IMPORTER),
        lambda: vault.enrol([Identity({K.EMAIL: "x@example.com"})], actor=IMPORTER, source="crm"),
        lambda: vault.find_subject(K.EMAIL, ALICE.email),
        lambda: vault.seal_for(alice, "label", b"data"),
        lambda: keys.rotate(actor=IMPORTER),
    ):
        with pytest.raises(KeyProviderUnavailable) as refused, transaction.atomic():
            attempt()
        assert refused.value.status == 503
    assert SubjectKey.objects.filter(subject=alice, wrapped__isnull=False).exists()

    done = vault.forget(erin, actor=IMPORTER, reason="erasure")

    assert done.key_destroyed
    assert done.suppressed == 4
    server.down, settings.ZGODA_VAULT_URL = False, server.url
    secret("vault-token", TOKEN, settings)
    again = vault.enrol([Identity({K.EMAIL: ERIN.email.upper()})], actor=IMPORTER, source="crm")
    assert again.refused == (0,)
    assert vault.is_suppressed(K.PHONE, ERIN.phone)
    assert not vault.is_suppressed(K.PHONE, ALICE.phone)
    assert invariants_hold()


@pytest.mark.django_db
def test_everything_moves_to_another_provider_and_back(
    server: Transit, pkcs11: ProviderName, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    subjects = enrolled(ALICE, BOB)
    keys.rotate(actor=IMPORTER)
    before, wrapped = readable(subjects), list(SubjectKey.objects.order_by("id").values_list("wrapped", flat=True))
    out = io.StringIO()

    call_command("rewrap_keys", "--to", "vault", "--dry-run", stdout=out)
    assert "version 1: sealed-file to vault" in out.getvalue()
    assert set(KeyEncryptionKey.objects.values_list("provider", flat=True)) == {"sealed-file"}
    assert server.keys == {}

    for target in ("vault", "pkcs11", "sealed-file"):
        call_command("rewrap_keys", "--to", target, stdout=out)
        assert set(KeyEncryptionKey.objects.values_list("provider", flat=True)) == {target}
        assert readable(subjects) == before
    assert server.keys == {}  # what the old provider held is destroyed
    assert [bytes(x) for x in SubjectKey.objects.order_by("id").values_list("wrapped", flat=True)] == [
        bytes(x) for x in wrapped
    ]
    assert keys.moves(ProviderName.SEALED_FILE) == []
    assert invariants_hold()


@pytest.mark.django_db
def test_a_move_to_a_provider_that_is_down_changes_nothing(server: Transit) -> None:
    subjects = enrolled(ALICE)
    before = readable(subjects)
    server.down = True

    with pytest.raises(CommandError):
        call_command("rewrap_keys", "--to", "vault", stdout=io.StringIO())

    assert KeyEncryptionKey.objects.get().provider == "sealed-file"
    assert readable(subjects) == before


@pytest.mark.django_db
def test_a_version_of_before_whose_file_is_the_key_still_opens_and_moves(server: Transit) -> None:
    """Versions that the first release of the house wrote have no wrapped key of their own."""
    subjects = enrolled(ALICE)
    with transaction.atomic():
        old = KeyEncryptionKey.objects.get()
        file = provider_named("sealed-file").material("pseudonymize-kek-0001")  # type: ignore[attr-defined]
        row = SubjectKey.objects.get(subject=subjects[0])
        key = next(iter(keys.kek.wrapping.unwrap([keys.kek.wrapping.of_subject(subjects[0], 1, bytes(row.wrapped))])))
        record = epoch_keys.crypto.seal(
            file, key, [b"zgoda/wrapped-key", (1).to_bytes(4, "big"), b"subject-key", subjects[0].bytes]
        )
        SubjectKey.objects.filter(subject=subjects[0]).update(wrapped=record)
        KeyEncryptionKey.objects.filter(version=1).update(
            wrapped=None, reference="", fingerprint=epoch_keys.fingerprint(file)
        )
    assert old.wrapped is not None

    assert readable(subjects)[subjects[0]] == {K.EMAIL: ALICE.email}
    keys.move(ProviderName.VAULT, actor=IMPORTER)
    assert readable(subjects)[subjects[0]] == {K.EMAIL: ALICE.email}
    assert provider_named("sealed-file").key_state("pseudonymize-kek-0001") is KeyState.ABSENT
