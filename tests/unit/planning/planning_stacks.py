"""A cloud stack's configuration file, with distinctive encrypted secrets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from infra.archives import Archives
from infra.assembly import service_args
from infra.catalog.services import CHAT_SEND, Service
from infra.components.encryption_key import EncryptionKey, EncryptionKeyArgs
from infra.components.python_service import PythonService, release_together
from infra.components.work_queue import WorkQueue, WorkQueueArgs
from infra.config import StackConfig

PLAIN = """\
config:
  aws:region: eu-central-1
  kiloscale:supabaseUrl: https://abcdefghijklmnopqrst.supabase.co
  kiloscale:allowedOrigins:
    - https://app.example.com
  kiloscale:alertEmail: ops@example.com
"""
SECRETS = (
    "databaseUrl",
    "jwtSecret",
    "internalApiKey",
    "supabaseServiceKey",
    "geminiApiKey",
    "alertWebhook",
    "redisUrl",
)
CIPHERTEXT = "v1:Zm9vYmFy{key}:DistinctiveCiphertextOf{key}"


def text(*, secrets: tuple[str, ...] = SECRETS, more: str = "") -> str:
    """The configuration file of a stack with encrypted secrets."""
    lines = [
        f"  kiloscale:{key}:\n    secure: {CIPHERTEXT.format(key=key)}\n"
        for key in secrets
    ]
    return PLAIN + more + "".join(lines)


def write(repository: Path, stack: str = "production", **changes) -> Path:
    """Write the configuration file of a stack."""
    path = repository / f"Pulumi.{stack}.yaml"
    path.write_text(text(**changes))
    return path


def small_program(
    archives: Archives, *, service: Service = CHAT_SEND
) -> Mapping[str, pulumi.Output[Any]]:
    """A key, two queues and one service: what is much faster than the whole."""
    config = StackConfig.load()
    key = EncryptionKey(
        "functions", EncryptionKeyArgs(physical_name="k", stack=config.stack)
    )
    queues = {
        topic: WorkQueue(
            topic,
            WorkQueueArgs(
                physical_name=f"kiloscale-{config.stack}-{topic}",
                visibility_timeout_s=360,
                max_receives=5,
                retention_s=86_400,
            ),
        )
        for topic in service.sends_to
    }
    args = service_args(service, config, archives, key, queues)
    made = PythonService(service.name, args)
    release_together([made])
    return {"arn": made.arn}
