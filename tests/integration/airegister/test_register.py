"""AI systems and model versions: registered whole, promoted for a reason, stopped at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from audit.models import Entry
from governance.accounts import roles
from governance.accounts.models import User
from governance.airegister import systems, versions
from governance.airegister.errors import (
    LogsKeptTooShort,
    RegistrationIncomplete,
    StageNotAllowed,
    SystemRegistered,
    SystemStopped,
    SystemUnknown,
    VersionRegistered,
    VersionUnknown,
)
from governance.airegister.models import AISystem, ModelVersion, OversightAct
from governance.airegister.stages import RiskClass, Role, Stage
from governance.airegister.systems import Registration
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.ids import uuid7
from tests.people import ADA, DANA

pytestmark = pytest.mark.django_db
ACTOR = Actor(ActorKind.CLIENT, str(uuid7()))
LAPSE = Registration(
    key="lapse",
    name="Lapse prediction",
    role=Role.DEPLOYER,
    intended_purpose="Choose whom to offer a coupon.",
    risk_class=RiskClass.MINIMAL,
    risk_reasoning="Not in Annex III: it decides about coupons.",
)
MANIFEST = uuid7()


@pytest.fixture
def system(db):
    systems.register_system(LAPSE, actor=ACTOR)
    return LAPSE.key


def version(name="1", digest="a" * 64, **how):
    how = {"training_manifest_id": MANIFEST, "metrics": {"auc": 0.86}, "actor": ACTOR, **how}
    return versions.register_version("lapse", name, artifact_sha256=digest, **how)


def promote(name, stage):
    versions.promote("lapse", name, stage, reason="It is better.", actor=ACTOR)


def test_a_system_is_registered_once_and_completely(system):
    with pytest.raises(SystemRegistered):
        systems.register_system(LAPSE, actor=ACTOR)
    for change in (
        {"key": ""},
        {"intended_purpose": " "},
        {"risk_reasoning": ""},
        {"risk_class": RiskClass.TRANSPARENCY},
    ):
        with pytest.raises(RegistrationIncomplete):
            systems.register_system(replace(LAPSE, **{"key": "other", **change}), actor=ACTOR)
    with pytest.raises(LogsKeptTooShort):
        systems.register_system(replace(LAPSE, key="other", log_retention_days=183), actor=ACTOR)
    assert AISystem.objects.count() == 1


def test_the_database_too_refuses_logs_that_are_kept_too_short(system):
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE airegister_aisystem SET log_retention_days = 183")


def test_every_change_of_the_register_is_in_the_log(system):
    version()
    promote("1", Stage.LIVE)
    systems.stop(system, "Odd decisions.", actor=ACTOR)
    actions = set(Entry.objects.values_list("action", flat=True))
    assert {
        "airegister.registered",
        "airegister.promoted",
        "airegister.stopped",
        "configuration.created",
        "configuration.changed",
    } <= actions
    assert Entry.objects.filter(action="configuration.changed").first().actor == str(ACTOR)
    header = Entry.objects.get(action="airegister.stopped").header
    assert "Odd decisions" not in header


def test_the_same_version_twice_is_one_and_another_artefact_is_another_version(system):
    assert version() == version()
    for change in ({"digest": "b" * 64}, {"training_manifest_id": None}):
        with pytest.raises(VersionRegistered):
            version(**change)
    for change in ({"digest": "xyz"}, {"name": ""}, {"metrics": {"auc": float("nan")}}):
        with pytest.raises(RegistrationIncomplete):
            version(**{"name": "2", **change})
    with pytest.raises(SystemUnknown):
        versions.register_version(
            "x", "1", artifact_sha256="a" * 64, training_manifest_id=None, metrics={}, actor=ACTOR
        )


def test_one_version_is_live_and_going_live_retires_the_one_before(system):
    for name in ("1", "2"):
        version(name, name * 64)
    assert versions.live(system) is None
    promote("1", Stage.LIVE)
    promote("2", Stage.CANARY)
    promote("2", Stage.LIVE)
    assert versions.live(system).version == "2"
    assert [(found.version, found.stage) for found in versions.all_versions(system)] == [
        ("2", Stage.LIVE),
        ("1", Stage.RETIRED),
    ]
    promote("1", Stage.LIVE)  # a roll-back
    assert versions.live(system).version == "1"
    with pytest.raises(StageNotAllowed):
        promote("2", Stage.CANARY)
    with pytest.raises(VersionUnknown):
        promote("3", Stage.LIVE)
    with pytest.raises(RegistrationIncomplete):
        versions.promote(system, "2", Stage.LIVE, reason=" ", actor=ACTOR)
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(version="2").update(stage="live")


def test_a_stopped_system_decides_nothing_until_it_is_resumed(system):
    version()
    assert systems.is_stopped(system) is False
    systems.stop(system, "Complaints.", actor=ACTOR)
    systems.stop(system, "Again.", actor=ACTOR)
    assert systems.is_stopped(system) is True
    with transaction.atomic(), pytest.raises(SystemStopped):
        systems.require_running(system)
    with pytest.raises(SystemStopped):
        promote("1", Stage.LIVE)
    systems.resume(system, "Looked into.", actor=ACTOR)
    with transaction.atomic():
        systems.require_running(system)
    assert list(OversightAct.objects.exclude(act="registered").values_list("act", "reason")) == [
        ("resumed", "Looked into."),
        ("stopped", "Complaints."),
    ]
    with pytest.raises(RegistrationIncomplete):
        systems.stop(system, " ", actor=ACTOR)


def test_what_is_not_registered_decides_nothing():
    with pytest.raises(SystemUnknown):
        systems.is_stopped("ghost")
    with pytest.raises(SystemUnknown), transaction.atomic():
        systems.require_running("ghost")


@pytest.mark.django_db(transaction=True)
def test_a_stop_waits_for_a_running_decision_and_the_next_decision_sees_it(system):
    deciding, decided = threading.Event(), threading.Event()
    order = []

    def decide():
        try:
            with transaction.atomic():
                systems.require_running(system)
                deciding.set()
                decided.wait(5)
                order.append("decided")
        finally:
            connection.close()

    def halt():
        try:
            deciding.wait(5)
            threading.Timer(0.2, decided.set).start()
            systems.stop(system, "Now.", actor=ACTOR)
            order.append("stopped")
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(decide), pool.submit(halt)]:
            future.result()
    assert order == ["decided", "stopped"]
    with transaction.atomic(), pytest.raises(SystemStopped):
        systems.require_running(system)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE airegister_modelversion SET artifact_sha256 = repeat('b', 64)",
        "UPDATE airegister_modelversion SET training_manifest_id = NULL",
        "UPDATE airegister_modelversion SET metrics = '{}'",
        "DELETE FROM airegister_modelversion",
        "DELETE FROM airegister_oversightact",
        "UPDATE airegister_oversightact SET reason = ''",
    ],
)
def test_the_database_refuses_to_rewrite_what_a_version_was(system, statement):
    version()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def member(person) -> Client:
    user = User.objects.create_user(person.email, "a long enough password")
    roles.grant(user, roles.Role(person.role), actor=SYSTEM)
    client = Client()
    client.force_login(user)
    return client


FORM = {
    "key": "price", "name": "Price choice", "role": "provider", "intended_purpose": "Choose a discount.", "risk_class": "minimal",
    "risk_reasoning": "Not in Annex III.", "log_retention_days": "365",
}  # fmt: skip


def test_the_officer_registers_edits_and_stops_a_system_in_the_console(db):
    dana, page = member(DANA), "/console/airegister/aisystem/"
    assert b"Six months" in dana.post(f"{page}add/", FORM | {"log_retention_days": "30"}).content
    assert b"Say what people are told" in dana.post(f"{page}add/", FORM | {"risk_class": "transparency"}).content
    assert not AISystem.objects.exists()
    made = dana.post(f"{page}add/", FORM)
    assert made.status_code == 302
    system = AISystem.objects.get(key="price")
    change = f"{page}{system.pk}/change/"
    assert dana.get(change).status_code == 200
    inlines = {
        f"{inline.formset.prefix}-{kind}_FORMS": "0"
        for inline in dana.get(change).context["inline_admin_formsets"]
        for kind in ("TOTAL", "INITIAL")
    }
    edited = dana.post(change, FORM | inlines | {"name": "Price and discount"})
    assert edited.status_code == 302
    assert b"Say why." in dana.post(change, FORM | inlines | {"switch": "stop"}).content
    assert dana.post(change, FORM | inlines | {"switch": "stop", "switch_reason": "Complaints."}).status_code == 302
    system.refresh_from_db()
    assert (system.stop_reason, system.name) == ("Complaints.", "Price choice")
    assert systems.is_stopped("price")
    assert b"stopped" in dana.get(page).content
    assert Entry.objects.filter(action="configuration.changed").exists()


def test_an_auditor_reads_the_register_and_switches_nothing(system):
    ada, row = member(ADA), AISystem.objects.get()
    assert ada.get(f"/console/airegister/aisystem/{row.pk}/change/").status_code == 200
    assert (
        ada.post(
            f"/console/airegister/aisystem/{row.pk}/change/", FORM | {"switch": "stop", "switch_reason": "x"}
        ).status_code
        == 403
    )
    assert not systems.is_stopped(system)
