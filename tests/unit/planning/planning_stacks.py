"""A cloud stack's configuration file, with distinctive encrypted secrets."""

from pathlib import Path

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
