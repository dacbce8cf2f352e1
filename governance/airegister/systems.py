"""AI systems: register, stop, resume, and the question that everything which decides asks first."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from audit import log
from audit.acting import acting
from governance.airegister.errors import RegistrationIncomplete, SystemRegistered, SystemStopped, SystemUnknown
from governance.airegister.models import Act, AISystem, ModelVersion, OversightAct
from governance.airegister.stages import RiskClass, Role, check_log_retention
from governance.kernel.actors import Actor
from governance.kernel.canonical import sha256_hex
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.ids import uuid7


@dataclass(frozen=True, slots=True)
class Registration:
    """What the register says about a system. `oversight_owner` is the id of a member of staff."""

    key: str
    name: str
    role: Role
    intended_purpose: str
    risk_class: RiskClass
    risk_reasoning: str
    oversight_owner: UUID | None = None
    instructions: str = ""
    transparency_en: str = ""
    transparency_pl: str = ""
    log_retention_days: int = 365


def register_system(registration: Registration, *, actor: Actor) -> UUID:
    """Enter a system. Returns its id.

    Raises RegistrationIncomplete, LogsKeptTooShort, SystemRegistered.
    """
    check(registration)
    with transaction.atomic(), acting(actor):
        system = AISystem(
            id=uuid7(),
            key=registration.key,
            name=registration.name,
            role=registration.role,
            intended_purpose=registration.intended_purpose,
            risk_class=registration.risk_class,
            risk_reasoning=registration.risk_reasoning,
            oversight_owner_id=registration.oversight_owner,
            instructions=registration.instructions,
            transparency_en=registration.transparency_en,
            transparency_pl=registration.transparency_pl,
            log_retention_days=registration.log_retention_days,
            registered_at=now(),
        )
        if AISystem.objects.filter(key=registration.key).exists():
            raise SystemRegistered("A system of this key is registered.", key=registration.key)
        try:
            with transaction.atomic():
                system.save(force_insert=True)
        except IntegrityError as error:
            raise SystemRegistered("A system of this key is registered.", key=registration.key) from error
        record(system, Act.REGISTERED, actor=actor)
    return system.pk


def stop(system_key: str, reason: str, *, actor: Actor) -> None:
    """Stop a system at once (AI Act Art. 14(4)(e)). Stopping what is stopped changes nothing. Raises SystemUnknown,
    RegistrationIncomplete."""
    reason = _reason(reason)
    with transaction.atomic(), acting(actor):
        system = locked(system_key)
        if system.stopped_at is not None:
            return
        system.stopped_at, system.stop_reason = now(), reason
        system.save()
        record(system, Act.STOPPED, reason=reason, actor=actor)


def resume(system_key: str, reason: str, *, actor: Actor) -> None:
    """Let a stopped system decide again, for a reason. Raises SystemUnknown, RegistrationIncomplete."""
    reason = _reason(reason)
    with transaction.atomic(), acting(actor):
        system = locked(system_key)
        if system.stopped_at is None:
            return
        system.stopped_at, system.stop_reason = None, ""
        system.save()
        record(system, Act.RESUMED, reason=reason, actor=actor)


def is_stopped(system_key: str) -> bool:
    """Whether somebody stopped the system; one indexed query, no cache. Raises SystemUnknown: the unregistered
    decides nothing."""
    stopped = AISystem.objects.filter(key=system_key).values_list("stopped_at", flat=True).first()
    if stopped is None and not AISystem.objects.filter(key=system_key).exists():
        raise SystemUnknown("No AI system of this key is registered.", key=system_key)
    return stopped is not None


def require_running(system_key: str) -> None:
    """To be called inside the transaction that decides: a stop that commits before is seen, one that comes later
    waits.

    Holds the system's row FOR SHARE until the transaction ends. Raises SystemStopped, SystemUnknown, and
    TransactionManagementError outside a transaction.
    """
    found = AISystem.objects.raw(
        "SELECT id, stopped_at FROM airegister_aisystem WHERE key = %s FOR SHARE", [system_key]
    )
    system = next(iter(found), None)
    if system is None:
        raise SystemUnknown("No AI system of this key is registered.", key=system_key)
    if system.stopped_at is not None:
        raise SystemStopped("The system is stopped.", key=system_key)


def locked(system_key: str) -> AISystem:
    """The system, held for change. Raises SystemUnknown."""
    system = AISystem.objects.select_for_update(of=("self",)).filter(key=system_key).first()
    if system is None:
        raise SystemUnknown("No AI system of this key is registered.", key=system_key)
    return system


def record(
    system: AISystem,
    act: Act,
    *,
    actor: Actor,
    version: ModelVersion | None = None,
    before: str = "",
    after: str = "",
    reason: str = "",
) -> None:
    """One line of the history and one entry of the log; the entry has the digest of the reason."""
    facts: dict[str, JSON] = {"system": system.key}
    if version is not None:
        facts |= {
            "version": version.version,
            "artifact_sha256": version.artifact_sha256,
            "before": before,
            "after": after,
        }
    if reason:
        facts["reason_sha256"] = sha256_hex(reason.encode())
    entry = log.emit(f"airegister.{act}", actor=actor, object=f"ai_system:{system.pk}", facts=facts)
    OversightAct.objects.create(
        id=uuid7(),
        system=system,
        version=version,
        act=act,
        before=before,
        after=after,
        reason=reason,
        actor=str(actor),
        at=now(),
        entry_id=entry,
    )


def _reason(reason: str) -> str:
    if not reason.strip():
        raise RegistrationIncomplete("Say why.", errors=[{"pointer": "/reason", "detail": "Missing."}])
    return reason.strip()


def check(registration: Registration) -> None:
    """Whether a registration is complete. Raises RegistrationIncomplete, LogsKeptTooShort."""
    for name in ("key", "name", "intended_purpose", "risk_reasoning"):
        if not getattr(registration, name).strip():
            raise RegistrationIncomplete(
                f"The registration lacks {name}.", errors=[{"pointer": f"/{name}", "detail": "Missing."}]
            )
    if registration.risk_class is RiskClass.TRANSPARENCY and not (
        registration.transparency_en and registration.transparency_pl
    ):
        detail = "Say what people are told (AI Act Art. 50)."
        raise RegistrationIncomplete(detail, errors=[{"pointer": "/transparency_en", "detail": detail}])
    check_log_retention(registration.log_retention_days)
