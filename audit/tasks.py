"""What runs on a calendar."""

from audit import sequencer
from governance.jobs.handlers import every


@every(seconds=2, name="audit.sequence")
def sequence() -> None:
    """Number what was committed since."""
    sequencer.sequence()
