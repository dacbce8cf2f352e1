"""What tests of channels and journeys start from, made by the verbs: people with addresses who consented, a text, a campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from consent import ledger
from consent.terms import EventType
from engine.channels import campaigns
from engine.channels.loopback_sink import Faults, LoopbackSink
from engine.content import templates
from engine.content.templates import Draft
from governance.jobs.models import Job
from governance.jobs.worker import Drained, drain
from governance.kernel import invariants, secret_files
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.keys import forget_cached
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF

PURPOSE = "newsletter"
TEXT = "Dear {{ name }},\n\n{{ offer }}\n\nStop: {{ unsubscribe_url }}\n"
TEXT_PL = "Dzień dobry {{ name }},\n\n{{ offer }}\n\nRezygnacja: {{ unsubscribe_url }}\n"


@pytest.fixture
def own_keys(settings: Any, tmp_path: Path) -> Iterator[None]:
    """Keys that live as long as the test's rows."""
    settings.ZGODA_KEYS_DIR = tmp_path / "keys"
    secret_files.forget_cache()
    forget_cached()
    yield
    secret_files.forget_cache()
    forget_cached()


@contextmanager
def mail_server(settings: Any, faults: Faults | None = None, **options: Any) -> Iterator[LoopbackSink]:
    """A real SMTP server on loopback that the service sends to."""
    with LoopbackSink(faults=faults, **options) as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = sink.host, sink.port
        yield sink


def address(number: int) -> str:
    return f"person{number}@example.com"


def enrol(count: int, *, language: str = "en", first: int = 0) -> list[SubjectId]:
    """People with an address and a name."""
    identities = [
        Identity(
            {
                IdentifierKind.EMAIL: address(number),
                IdentifierKind.NAME: f"Person Number{number}",
                IdentifierKind.LANGUAGE: language,
            }
        )
        for number in range(first, first + count)
    ]
    enrolled = vault.enrol(identities, actor=arrange.FILE, source="test")
    return [subject for subject in enrolled.subjects if subject is not None]


def consenting(count: int, **options: Any) -> list[SubjectId]:
    """People with an address who consented to the newsletter by e-mail."""
    arrange.purpose(PURPOSE)
    shown = arrange.notice(PURPOSE)
    subjects = enrol(count, **options)
    ledger.record([arrange.draft(one, EventType.GIVEN, notice_version_id=shown) for one in subjects], actor=STAFF)
    return subjects


def campaign(name: str = "Winter", **changes: Any) -> UUID:
    """A campaign that is ready to be launched."""
    templates.publish(
        "winter",
        [Draft("en", "News for {{ name }}", TEXT), Draft("pl", "Wiadomości dla {{ name }}", TEXT_PL)],
        slots_declared={"name", "offer", "unsubscribe_url"},
        actor=STAFF,
    )
    content: dict[str, Any] = {
        "purpose": PURPOSE, "template": "winter", "slot_values": {"*": {"offer": "Ten per cent off."}}, "actor": STAFF,
    }  # fmt: skip
    return campaigns.prepare(name, **(content | changes))


def launched(subjects: Sequence[SubjectId], **changes: Any) -> UUID:
    """A campaign to these people, waiting for a worker."""
    prepared = campaign(**changes)
    campaigns.launch(prepared, subjects, actor=STAFF)
    return prepared


def work() -> Drained:
    """Run what is due, as a worker would."""
    return drain(kinds=["channels.send_batch"])


def counts(campaign_id: UUID) -> dict[str, int]:
    return {state.value: count for state, count in campaigns.status(campaign_id).counts.items()}


def let_jobs_be_due() -> None:
    """Nobody waits in a test: what was put off is due."""
    Job.objects.filter(state="ready").update(run_after=now() - timedelta(seconds=1))


def violations() -> dict[str, tuple[str, ...]]:
    """The invariants of this engine that do not hold."""
    found = {
        name: check()
        for name, check in invariants.registered().items()
        if name.startswith(("channels.", "journeys.", "experiments."))
    }
    return {name: finding.violations for name, finding in found.items() if finding.violations}


def at_once(*acts: Callable[[], object]) -> list[BaseException]:
    """Run acts in threads with connections of their own, from one starting shot; returns what they raised."""
    start, raised = Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        try:
            start.wait()
            act()
        except BaseException as error:  # reported to the test
            raised.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


__all__ = ["SYSTEM", "own_keys"]
