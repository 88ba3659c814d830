"""Where things are: the repository and the state folder of the local stack."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

STATE_VARIABLE = "KILOSCALE_STATE"


def state_dir() -> Path:
    """Give the folder of all local state; ``KILOSCALE_STATE`` moves it.

    Returns:
        An absolute path; the folder may not exist yet.
    """
    named = os.environ.get(STATE_VARIABLE)
    return Path(named).expanduser().absolute() if named else REPOSITORY / ".kiloscale"
