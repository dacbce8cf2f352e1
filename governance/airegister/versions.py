"""Model versions of AI systems: register, promote, and which one is live."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.acting import acting
from governance.airegister import systems
from governance.airegister.errors import RegistrationIncomplete, VersionRegistered, VersionUnknown
from governance.airegister.models import Act, AISystem, ModelVersion
from governance.airegister.stages import RiskClass, Stage, check_move
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import uuid7

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A model version as the register has it."""

    id: UUID
    system: str
    version: str
    artifact_sha256: str
    training_manifest_id: UUID | None
    metrics: dict[str, float]
    stage: Stage


def register_version(
    system: str,
    version: str,
    *,
    artifact_sha256: str,
    training_manifest_id: UUID | None,
    metrics: Mapping[str, float],
    actor: Actor,
) -> UUID:
    """Enter a trained model. Registering the same again is the same version. Returns its id.

    `training_manifest_id` names the manifest of the pseudonymised training set; None says that no personal data went
    in. Raises SystemUnknown, VersionRegistered when the version is known with another artefact or manifest,
    RegistrationIncomplete.
    """
    if not version.strip() or not _DIGEST.fullmatch(artifact_sha256):
        raise RegistrationIncomplete("A version has a name and the SHA-256 of its artefact, in hexadecimal.")
    figures = {name: float(value) for name, value in metrics.items()}
    if not all(math.isfinite(figure) for figure in figures.values()):
        raise RegistrationIncomplete(
            "Metrics are finite numbers.", errors=[{"pointer": "/metrics", "detail": "Not finite."}]
        )
    with transaction.atomic(), acting(actor):
        owner = systems.locked(system)
        known = ModelVersion.objects.filter(system=owner, version=version).first()
        if known is not None:
            if (known.artifact_sha256, known.training_manifest_id) != (artifact_sha256, training_manifest_id):
                raise VersionRegistered(
                    "This version is registered with another artefact or manifest.", version=version
                )
            return known.pk
        made = ModelVersion.objects.create(
            id=uuid7(),
            system=owner,
            version=version,
            artifact_sha256=artifact_sha256,
            training_manifest_id=training_manifest_id,
            metrics=figures,
            stage_at=now(),
            registered_at=now(),
        )
        systems.record(owner, Act.REGISTERED, version=made, after=Stage.REGISTERED, actor=actor)
    return made.pk


def promote(system: str, version: str, stage: Stage, *, reason: str, actor: Actor) -> None:
    """Move a version to a stage, for a reason. A version that goes live retires the one that was.

    Raises SystemUnknown, VersionUnknown, StageNotAllowed, SystemStopped, RegistrationIncomplete.
    """
    if not reason.strip():
        raise RegistrationIncomplete("Say why.", errors=[{"pointer": "/reason", "detail": "Missing."}])
    with transaction.atomic(), acting(actor):
        owner = systems.locked(system)
        moved = ModelVersion.objects.select_for_update(of=("self",)).filter(system=owner, version=version).first()
        if moved is None:
            raise VersionUnknown("The system has no such version.", version=version)
        before = Stage(moved.stage)
        if before is stage:
            return
        check_move(
            before,
            stage,
            risk=RiskClass(owner.risk_class),
            overseen=owner.oversight_owner_id is not None,
            stopped=owner.stopped_at is not None,
        )
        if stage is Stage.LIVE:
            for served in ModelVersion.objects.select_for_update(of=("self",)).filter(system=owner, stage=Stage.LIVE):
                _move(owner, served, Stage.RETIRED, f"{version} goes live", actor)
        _move(owner, moved, stage, reason.strip(), actor)


def live(system: str) -> RegisteredVersion | None:
    """The version that decides, if one does. Raises SystemUnknown."""
    return next((version for version in all_versions(system) if version.stage is Stage.LIVE), None)


def all_versions(system: str) -> list[RegisteredVersion]:
    """The versions of a system, newest first. Raises SystemUnknown."""
    systems.is_stopped(system)
    rows = ModelVersion.objects.filter(system__key=system).order_by("-id")
    return [
        RegisteredVersion(
            row.id,
            system,
            row.version,
            row.artifact_sha256,
            row.training_manifest_id,
            dict(row.metrics),
            Stage(row.stage),
        )
        for row in rows
    ]


def _move(owner: AISystem, version: ModelVersion, stage: Stage, reason: str, actor: Actor) -> None:
    before = version.stage
    version.stage, version.stage_at = stage, now()
    version.save()
    systems.record(owner, Act.PROMOTED, version=version, before=before, after=stage, reason=reason, actor=actor)
