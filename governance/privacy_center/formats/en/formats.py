"""English dates: 22 November 2026, 15:04."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y, H:i"
