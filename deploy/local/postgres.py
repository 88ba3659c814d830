"""PostgreSQL as a part of the local stack."""

from pathlib import Path

import psycopg

from deploy.errors import DeployError
from deploy.local import server
from deploy.local.accounts import CLUSTER_ACCOUNTS, unprivileged
from deploy.local.cluster import Cluster, made_by
from deploy.local.facts import LocalStack
from deploy.local.installation import Installation, find_installation
from deploy.local.parts import NoAnswerError, Part, log_path, mark
from deploy.local.processes import Process

__all__ = ["POSTGRES", "Installation", "cluster_of", "find_installation"]

NAME = "postgres"


def cluster_of(stack: LocalStack) -> Cluster:
    """Give the stack's cluster, to be run by an installation that can read it."""
    folder = _folder(stack)
    return Cluster(
        folder=folder,
        port=stack.postgres_port,
        installation=find_installation(made_by(folder)),
        account=unprivileged(CLUSTER_ACCOUNTS),
        log=log_path(stack.state, NAME),
    )


def _folder(stack: LocalStack) -> Path:
    return (stack.home or stack.state) / "postgres"


def _launch(stack: LocalStack) -> Process:
    cluster = cluster_of(stack)
    home = cluster.folder.parent
    if cluster.account and not cluster.account.may("x", home):
        raise DeployError(
            f"{home}: account {cluster.account.name}, which runs PostgreSQL because"
            " root may not, cannot enter it",
            remedy=f"chmod o+x {home} # and each folder above it",
        )
    return server.launch(cluster, stack.admin_url, mark=mark(stack, NAME))


def _settle(stack: LocalStack, process: Process) -> None:
    cluster = cluster_of(stack)
    server.wait_ready(cluster, process, stack.admin_url)
    server.prepare(cluster, stack.admin_url, stack.database_url)


def _probe(stack: LocalStack) -> str:
    try:
        with psycopg.connect(
            stack.database_url, connect_timeout=server.CONNECT_TIMEOUT_S
        ) as conn:
            row = conn.execute(
                "SELECT current_setting('server_version'), (SELECT extversion"
                " FROM pg_extension WHERE extname = 'pg_cron')"
            ).fetchone()
    except psycopg.OperationalError as exc:
        raise NoAnswerError(str(exc).strip()) from exc
    version, cron = row or ("", None)
    short = str(version).partition(" ")[0]
    return f"PostgreSQL {short}, {f'pg_cron {cron}' if cron else 'without pg_cron'}"


def _end_leftovers(stack: LocalStack) -> int:
    return server.end_working_in(_folder(stack) / "data")


POSTGRES = Part(
    name=NAME,
    port=lambda stack: stack.postgres_port,
    launch=_launch,
    settle=_settle,
    probe=_probe,
    shutdown=server.SHUTDOWN,
    end_leftovers=_end_leftovers,
)
