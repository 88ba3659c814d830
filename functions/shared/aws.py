"""Clients of AWS from the botocore of the Lambda runtime."""

from typing import Any

import botocore.session
from botocore.config import Config


def client(service: str, *, connect_timeout_s: float, read_timeout_s: float) -> Any:
    """Make a client with short timeouts and no retry: every caller has its own.

    Region, credentials and endpoint come from the environment, which the Lambda
    runtime and the emulator set.

    Args:
        service: Name in botocore, e.g. ``sqs``.
        connect_timeout_s: Limit of a connection attempt, in seconds.
        read_timeout_s: Limit of the wait for an answer, in seconds.
    """
    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return botocore.session.get_session().create_client(service, config=config)
