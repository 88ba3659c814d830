"""Prove a cloud stack's functions: what they refuse, and one message if that is wished.

A message is sent once for the very same versions: a deploy that changes nothing only
reads, and what it refuses writes nothing.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deploy import ledger
from deploy.checklist import Result, Status, skipped
from deploy.deployment import Deployment

if TYPE_CHECKING:
    from deploy.smoke.gateway import Gateway


def run(deployment: Deployment) -> Iterator[Result]:
    """Send what must be refused; then the smoke user's message, if there is one."""
    if deployment.dry_run:
        yield skipped("functions.message", "a dry run sends no messages")
        return
    from deploy.cloud import functions, settings
    from deploy.smoke import proof
    from deploy.smoke.gateway import Gateway

    issuer = f"{settings.plain(deployment, 'supabaseUrl')}/auth/v1"
    secret = settings.secret(deployment, settings.JWT_SECRET)
    with Gateway(functions.where(deployment)) as gateway:
        yield proof.bad_token(gateway, issuer)
        if secret is None:
            variable = settings.JWT_SECRET[1]
            reason = f"{variable} is not set, and no Pulumi CLI gives it"
            yield skipped("functions.bad-body", reason, f"export {variable}=...")
            yield skipped("functions.message", reason, f"export {variable}=...")
            return
        yield proof.bad_body(gateway, issuer, secret)
        yield from _message(deployment, gateway, secret, issuer)


def _message(
    deployment: Deployment, gateway: "Gateway", secret: str, issuer: str
) -> Iterator[Result]:
    """Send the smoke user's message, unless there is none or it is proved."""
    from deploy.cloud import functions, settings
    from deploy.database import connect, explained
    from deploy.smoke import cloud

    user = settings.smoke_user(deployment)
    if user is None:
        key = settings.SMOKE_USER
        yield skipped(
            "functions.message",
            f"Pulumi.{deployment.stack}.yaml names no {key}, as whom one could be sent",
            f"pulumi config set {key} <id of a user> --stack {deployment.stack}",
        )
        return
    build = functions.build(deployment)
    entries = ledger.read(deployment.records)
    if entries.get("functions_proved") == build:
        at = entries["functions_proved_at"]
        yield skipped("functions.message", f"proved for these very versions at {at}")
        return
    smoker = cloud.Smoker(user=user, secret=secret, issuer=issuer)
    failed = False
    with (
        connect(deployment.database_url()) as connection,
        explained(connection, "proving the functions"),
    ):
        sent = cloud.message(gateway, connection, smoker, deployment.progress)
        for result in sent:
            failed = failed or result.status is Status.FAIL
            yield result
    if not failed:
        proved_at = ledger.now()
        ledger.write(
            deployment.records, functions_proved=build, functions_proved_at=proved_at
        )
