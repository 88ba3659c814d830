"""The step that undoes the archival of one conversation."""

from collections.abc import Iterator
from uuid import UUID

import psycopg

from deploy.archival import looking
from deploy.archival.looking import Connection, ToRestore, readable, to_restore
from deploy.checklist import Result, Status, Step
from deploy.database import connect
from deploy.deployment import Deployment
from deploy.errors import UsageError

RESTORE = "select * from public.restore_conversation(%s, %s)"


def restoring(conversation: UUID, *, hold: bool) -> Step[Deployment]:
    """Make the step that restores a conversation.

    Args:
        conversation: Its id.
        hold: Whether archival leaves it alone from then on.
    """

    def body(deployment: Deployment) -> Iterator[Result]:
        with connect(
            deployment.database_url(), application_name="kiloscale db.restore"
        ) as conn:
            found = to_restore(conn, conversation)
            if found is None:
                raise UsageError(
                    f"there is no conversation {conversation}; nothing was changed",
                    remedy="./bootstrap db.archival-stats",
                )
            if deployment.dry_run:
                yield _foretold(conversation, found, hold=hold)
                return
            deployment.progress(f"restoring {found.in_place + found.moved:,} messages")
            yield _restore(conn, conversation, found, hold=hold)

    return Step(id="archival", title="restore a conversation", run=body)


def _foretold(conversation: UUID, found: ToRestore, *, hold: bool) -> Result:
    """Say what a restore would do."""
    total = found.in_place + found.moved
    title = (
        f"would make {total:,} messages active again: {found.moved:,} come back from"
        f" the archive, in one transaction; {_held(hold)}"
    )
    if found.insert_triggers and found.moved:
        title += f"; triggers of the app fire for them: {found.insert_triggers}"
    return Result(
        id="archival.restore",
        title=title,
        status=Status.PASS,
        evidence={"conversation": str(conversation)} | looking.evidence(found),
        planned=total > 0 or found.on_hold is not hold,
    )


def _restore(
    conn: Connection, conversation: UUID, found: ToRestore, *, hold: bool
) -> Result:
    """Restore it, and say what came back."""
    notices: list[str] = []
    conn.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    with readable(conn, f"restoring conversation {conversation}"):
        try:
            row = conn.execute(RESTORE, (conversation, hold)).fetchone()
        except psycopg.errors.NoDataFound as error:
            raise UsageError(
                f"there is no conversation {conversation} any more; nothing was changed"
            ) from error
    active, back = row if row else (0, 0)
    title = (
        f"{active:,} messages are active again, {back:,} of them came back from the"
        f" archive; {_held(hold)}"
    )
    return Result(
        id="archival.restore",
        title="; ".join([title, *notices]),
        status=Status.WARN if notices else Status.PASS,
        evidence={
            "conversation": str(conversation),
            "active_again": active,
            "moved_back": back,
            "undo": f"./bootstrap db.restore --conversation {conversation} --no-hold,"
            " then ./bootstrap db.archive",
        },
        changed=active > 0 or found.on_hold is not hold,
    )


def _held(hold: bool) -> str:
    """Say what the next run of archival does with it."""
    if hold:
        return "archival leaves the conversation alone from then on"
    return "without a hold: the next run of archival archives it again"
