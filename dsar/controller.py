"""What this package needs to know of the controller: country, local days, periods. All from settings, with safe defaults."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from governance.kernel import clock


def country() -> str:
    """The controller's country (ISO 3166-1), whose working days count."""
    return str(getattr(settings, "ZGODA_CONTROLLER_COUNTRY", "PL"))


def local_day(moment: datetime) -> date:
    """The calendar day of ``moment`` where the controller is (``ZGODA_TIME_ZONE``): deadlines are local days."""
    return moment.astimezone(ZoneInfo(str(getattr(settings, "ZGODA_TIME_ZONE", "Europe/Warsaw")))).date()


def today() -> date:
    """Today where the controller is."""
    return local_day(clock.now())


def keep_days() -> int:
    """Days between the closing of a request and the purge of its personal data."""
    return int(getattr(settings, "ZGODA_DSAR_KEEP_DAYS", 30))


def close_after_days() -> int:
    """Days in which a person may come back on an answer before the request closes."""
    return int(getattr(settings, "ZGODA_DSAR_CLOSE_AFTER_DAYS", 14))


def lapse_after_days() -> int:
    """Days after which a request whose identity was never confirmed lapses."""
    return int(getattr(settings, "ZGODA_DSAR_LAPSE_AFTER_DAYS", 30))


def package_days() -> int:
    """Days for which a package can be downloaded."""
    return int(getattr(settings, "ZGODA_DSAR_PACKAGE_DAYS", 14))


def auto_approve_rows() -> int:
    """Plans over at most this many rows are approved without staff; 0 (the default) means never."""
    return int(getattr(settings, "ZGODA_DSAR_AUTO_APPROVE_ROWS", 0))


def cooling_off_hours() -> int:
    """Hours between an approval and its execution, in which the person may still revoke; 0 (the default) means none."""
    return int(getattr(settings, "ZGODA_DSAR_COOLING_OFF_HOURS", 0))


def backup_days() -> int:
    """Days after which no backup of the key store can still open what was shredded (security design, "rewrap and destroy")."""
    return int(getattr(settings, "ZGODA_BACKUP_KEY_DAYS", 14))


def certificate_years() -> int:
    """Years for which the shell of a request and its certificate are kept as proof (Art. 5(2))."""
    return int(getattr(settings, "ZGODA_DSAR_PROOF_YEARS", 3))
