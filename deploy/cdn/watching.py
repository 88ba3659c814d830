"""Has changed images noted in the outbox, from which the relay tells the CDN."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deploy.cdn import edge
from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.errors import DeployError, UsageError
from infra.catalog.cdn import PUBLIC_BUCKETS
from infra.catalog.cdn_modes import WORKER_CACHE

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

TRIGGERS = """
select t.tgname, pg_get_triggerdef(t.oid) from pg_trigger t
 where t.tgrelid = to_regclass('storage.objects') and t.tgname like 'kiloscale_purge_%'
 order by t.tgname
"""
IS_MIGRATED = "select to_regprocedure('kiloscale.watch_objects(text[])') is not null"


def check(deployment: Deployment) -> None:
    """Refuse a stack whose CDN forgets nothing that way.

    Raises:
        UsageError: It is the local one, or its CDN has no Workers Cache.
    """
    if deployment.is_local:
        raise UsageError(
            "the local stack keeps objects in files and has no table storage.objects:"
            " nothing was changed",
            remedy="./bootstrap cdn.watch --stack <stack>",
        )
    mode = edge.of_stack(deployment.stack).config.mode
    if mode != WORKER_CACHE:
        raise UsageError(
            f"Pulumi.{deployment.stack}.yaml: cdn is {mode}, and only"
            f" {WORKER_CACHE} has a purge path that reaches all copies: nothing was"
            " changed",
            remedy="./bootstrap cdn.purge --path <bucket>/<name>",
        )


def watch(deployment: Deployment) -> Iterator[Result]:
    """Put the triggers on ``storage.objects``, unless they are there."""
    wanted = ",".join(PUBLIC_BUCKETS)
    with _connected(deployment) as connection:
        before = connection.execute(TRIGGERS).fetchall()
        is_so = len(before) == 2 and all(f"'{wanted}'" in each[1] for each in before)
        if not is_so and not deployment.dry_run:
            connection.execute(
                "select kiloscale.watch_objects(%s)", (list(PUBLIC_BUCKETS),)
            )
        after = connection.execute(TRIGGERS).fetchall()
    verb = "would watch" if deployment.dry_run and not is_so else "watches"
    yield Result(
        id="cdn.watch",
        title=f"{verb} {', '.join(PUBLIC_BUCKETS)}: a changed image is purged by the"
        " relay within 2 minutes; ends by cdn.watch --stop",
        status=Status.PASS,
        evidence={"before": _names(before), "after": _names(after)},
        changed=not is_so and not deployment.dry_run,
        planned=not is_so and deployment.dry_run,
    )


def unwatch(deployment: Deployment) -> Iterator[Result]:
    """Remove the triggers."""
    with _connected(deployment) as connection:
        before = connection.execute(TRIGGERS).fetchall()
        if before and not deployment.dry_run:
            connection.execute("select kiloscale.unwatch_objects()")
    verb = "would remove" if deployment.dry_run else "removed"
    names = ", ".join(_names(before))
    yield Result(
        id="cdn.watch",
        title=f"{verb} {names}; cdn.watch puts them back"
        if before
        else "nothing is watched",
        status=Status.PASS,
        evidence={"before": _names(before)},
        changed=bool(before) and not deployment.dry_run,
        planned=bool(before) and deployment.dry_run,
    )


def _names(triggers: "list[TupleRow]") -> list[str]:
    return [str(each[0]) for each in triggers]


@contextmanager
def _connected(
    deployment: Deployment,
) -> "Iterator[psycopg.Connection[TupleRow]]":
    """Connect to a database that has the migration.

    Raises:
        DeployError: It has not, or refuses something.
    """
    import psycopg

    from deploy.database import connect, explained

    with (
        connect(deployment.database_url()) as connection,
        explained(connection, "watching storage.objects"),
    ):
        row = connection.execute(IS_MIGRATED).fetchone()
        if not (row and row[0]):
            raise DeployError(
                "the database has no kiloscale.watch_objects: nothing was changed",
                remedy="./bootstrap deploy --only migrations",
            )
        try:
            yield connection
        except psycopg.errors.RaiseException as error:
            said = error.diag.message_primary
            raise DeployError(f"{said}; nothing was changed") from error
