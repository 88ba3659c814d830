"""Run a job at once, outside of its schedule."""

import psycopg

from deploy.crons.state import RunLogRow, newest_log
from deploy.database import connect
from deploy.errors import DeployError
from infra.catalog.pg_crons import PgCronJob

LAST_ID = "select coalesce(max(id), 0) from kiloscale.run_log"


def run_job(conn_url: str, job: PgCronJob) -> RunLogRow:
    """Run the declared command of a job, as pg_cron would, and give what it logged.

    Args:
        conn_url: Connection URI of the role that runs the jobs.
        job: The declared job.

    Returns:
        Its row in the run log; its ``error`` is set if the command failed.

    Raises:
        DeployError: The command failed before it could log, or logged nothing.
    """
    with connect(conn_url, application_name=f"kiloscale {job.name}") as conn:
        try:
            row = conn.execute(LAST_ID).fetchone()
        except psycopg.errors.UndefinedTable as error:
            raise DeployError(
                f"{job.name}: {error.diag.message_primary}: the migrations are not"
                " applied",
                remedy="./bootstrap deploy --only migrations",
            ) from error
        last_id = int(row[0]) if row else 0
        try:
            conn.execute(job.command.encode())
        except psycopg.Error as error:
            if not conn.closed and (logged := newest_log(conn, job.name, last_id)):
                return logged
            raise _failure(job, error) from error
        logged = newest_log(conn, job.name, last_id)
    if logged is None:
        raise DeployError(
            f"{job.name}: {job.command} succeeded and wrote no row to"
            " kiloscale.run_log: nobody can tell what it did",
            remedy="correct its command in infra/catalog/pg_crons.py",
        )
    return logged


def _failure(job: PgCronJob, error: psycopg.Error) -> DeployError:
    """Say why a command did not even begin."""
    busy = error.sqlstate == "55P03"  # raised by kiloscale.take_job_lock
    return DeployError(
        f"{job.name}: {error.diag.message_primary or error}"
        f" (SQLSTATE {error.sqlstate}); {job.command} did nothing"
        + ("; try again when that run has ended" if busy else ""),
        remedy=f"./bootstrap crons.run --job {job.name}"
        if busy
        else "./bootstrap deploy --only migrations,crons",
        evidence={"sqlstate": error.sqlstate, "command": job.command},
    )
