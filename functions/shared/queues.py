"""Send to SQS. botocore comes with the Lambda runtime and is imported at first use.

Its import takes twice as long as all of chat_send: an environment pays for it at its
first message and not at its cold start.
"""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 1
READ_TIMEOUT_S = 2
"""A send takes some 10 ms; the relay sends whatever these limits cut off."""

BATCH_MAX = 10
"""Entries of one SendMessageBatch (Amazon SQS API reference)."""


class Refusal(msgspec.Struct, frozen=True):
    """Why an entry was not taken.

    Attributes:
        code: Error code of SQS, or the exception's name.
        is_permanent: Whether the same entry would be refused again.
    """

    code: str
    is_permanent: bool


class Queue:
    """One queue, by its URL.

    Args:
        url: Queue URL. ``AWS_ENDPOINT_URL``, which the emulator sets and botocore
            reads, decides where it is sent to.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None

    def send(self, body: Mapping[str, object]) -> bool:
        """Send one message, best effort: a failure is logged and is no error.

        Returns:
            Whether SQS has it. If not, its outbox row is still there.
        """
        try:
            self._sqs().send_message(
                QueueUrl=self._url, MessageBody=msgspec.json.encode(body).decode()
            )
        except Exception:  # the outbox row stays; the relay sends it
            logger.exception("queue did not take a message; the relay will send it")
            return False
        return True

    def send_batch(self, bodies: Mapping[int, bytes]) -> dict[int, Refusal]:
        """Send up to `BATCH_MAX` messages.

        Args:
            bodies: Messages by the number that identifies them to the caller.

        Returns:
            The numbers that SQS did not take, with the reason.
        """
        entries = [
            {"Id": str(number), "MessageBody": body.decode()}
            for number, body in bodies.items()
        ]
        try:
            answer = self._sqs().send_message_batch(QueueUrl=self._url, Entries=entries)
        except Exception as error:  # any failure of the call fails each entry alike
            logger.exception("queue did not take a batch")
            refusal = Refusal(type(error).__name__, is_permanent=False)
            return dict.fromkeys(bodies, refusal)
        return {
            int(failed["Id"]): Refusal(failed["Code"], bool(failed["SenderFault"]))
            for failed in answer.get("Failed", [])
        }

    def _sqs(self) -> Any:
        """Make the client once."""
        if self._client is None:
            from functions.shared.aws import client

            self._client = client(
                "sqs",
                connect_timeout_s=CONNECT_TIMEOUT_S,
                read_timeout_s=READ_TIMEOUT_S,
            )
        return self._client
