"""What a caller of this package can have to decide about."""

from governance.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted


class SystemUnknown(NotFound):
    """No AI system of this key is registered; nothing that is not registered decides."""

    code = "ai_system_unknown"
    title = "No such AI system"


class SystemRegistered(Conflict):
    """A system of this key is registered already."""

    code = "ai_system_registered"
    title = "The AI system is registered"


class SystemStopped(NotPermitted):
    """Somebody stopped the system: it decides nothing until somebody resumes it (AI Act Art. 14(4)(e))."""

    code = "ai_system_stopped"
    title = "The AI system is stopped"


class VersionUnknown(NotFound):
    """The system has no such model version."""

    code = "model_version_unknown"
    title = "No such model version"


class VersionRegistered(Conflict):
    """The version is registered with another artefact, manifest or metrics; a changed model is another version."""

    code = "model_version_registered"
    title = "The model version is registered"


class StageNotAllowed(Conflict):
    """The version cannot go to that stage from where it is, or the system is not fit for it yet."""

    code = "model_stage_not_allowed"
    title = "Not a next stage of this version"


class LogsKeptTooShort(InvalidInput):
    """Logs of an AI system are kept for at least six months (AI Act Art. 19(1), 26(6))."""

    code = "ai_logs_kept_too_short"
    title = "Logs are kept for six months at least"


class RegistrationIncomplete(InvalidInput):
    """The registration lacks something that the AI Act wants documented."""

    code = "ai_registration_incomplete"
    title = "The registration is not complete"
