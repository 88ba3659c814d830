"""Delete what is a user's: the procedure of ours, until nothing is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg

from deploy.errors import DeployError, HalfDoneError, LockedError
from deploy.users.looking import Connection, Looked, look

CALLS_MAX = 200
"""Calls of the procedure, each of up to its time budget, before it is given up."""

CALL = "call kiloscale.delete_user(%s, %s::text[])"
LAST = """
select id, rows, batches, detail from kiloscale.run_log
 where job = 'user.delete' and id > %s order by id
"""
NEWEST = "select coalesce(max(id), 0) from kiloscale.run_log"
AGAIN = ("40P01", "40001", "55P03")
"""SQLSTATEs after which a batch is tried again: somebody wrote the same rows."""


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """What was deleted.

    Attributes:
        tables: Rows by table.
        handed_over: Conversations that got another owner.
        runs: Ids of the rows in the run log.
        batches: Commits that it took.
    """

    tables: dict[str, int]
    handed_over: int
    runs: list[int]
    batches: int


def delete(
    conn: Connection,
    user: UUID,
    allowed: Sequence[str],
    progress: Callable[[str], None],
) -> tuple[Deleted, Looked]:
    """Delete, and look again; a user who is still active may write meanwhile.

    Args:
        conn: A session in autocommit mode.
        user: Whose rows.
        allowed: Tables of which rows of other users may go along.
        progress: Told after each batch.

    Raises:
        LockedError: Somebody else deletes a user.
        DeployError: Something stops it; nothing was deleted.
        HalfDoneError: Rows are left after many calls.
    """
    conn.add_notice_handler(lambda notice: progress(notice.message_primary or ""))
    newest = conn.execute(NEWEST).fetchone()
    before = int(newest[0]) if newest else 0
    for _ in range(CALLS_MAX):
        _call(conn, user, allowed)
        progress("looking whether anything is left")
        looked = look(conn, user)
        if not looked.to_delete:
            return _told(conn, before), looked
    raise HalfDoneError(
        f"rows are left in {', '.join(looked.to_delete)}: somebody still writes them;"
        " what was deleted stays deleted",
        remedy="delete the login first, then ./bootstrap user.delete again",
        evidence={"left": looked.to_delete},
    )


def _call(conn: Connection, user: UUID, allowed: Sequence[str]) -> None:
    """Run the procedure once; a deadlock is left to the next call."""
    try:
        conn.execute(CALL, [user, list(allowed)])
    except psycopg.errors.DependentObjectsStillExist as error:
        raise DeployError(
            str(error.diag.message_primary),
            remedy="./bootstrap user.delete --user ID --dry-run",
            evidence={"sqlstate": error.sqlstate},
        ) from error
    except psycopg.errors.LockNotAvailable as error:
        if "already running" not in str(error.diag.message_primary):
            return
        raise LockedError(
            f"{error.diag.message_primary}; nothing was changed",
            remedy="wait for it to end, then the same again",
        ) from error
    except psycopg.Error as error:
        if error.sqlstate not in AGAIN:
            if conn.closed or error.sqlstate is None:
                raise
            # Its detail would name the row, and with it the user.
            raise HalfDoneError(
                f"{error.diag.message_primary} (SQLSTATE {error.sqlstate}); what was"
                " deleted before stays deleted",
                remedy="put that right, then ./bootstrap user.delete again",
                evidence={"sqlstate": error.sqlstate},
            ) from None


def _told(conn: Connection, before: int) -> Deleted:
    """Add up what the calls logged."""
    tables: dict[str, int] = {}
    handed = batches = 0
    runs = []
    for number, _, commits, detail in conn.execute(LAST, [before]).fetchall():
        runs.append(int(number))
        batches += int(commits)
        handed += int(detail.get("conversations_handed_over", 0))
        for table, rows in detail.get("deleted", {}).items():
            tables[table] = tables.get(table, 0) + int(rows)
    return Deleted(tables=tables, handed_over=handed, runs=runs, batches=batches)
