"""What is asked before archived messages are deleted for good, and the step."""

from collections.abc import Iterator

from deploy import console
from deploy.archival import looking
from deploy.archival.looking import ToDelete, look_once
from deploy.archival.marking import HARD_DELETE_JOB
from deploy.archival.running import Job, kept, run_job
from deploy.checklist import Result, Status, Step
from deploy.database import connect
from deploy.deployment import Deployment
from deploy.errors import DeployError, UsageError

GONE = "only a backup from before gives them back"


def foretell(deployment: Deployment, months: int) -> ToDelete:
    """See what would be deleted."""
    with connect(deployment.database_url()) as conn:
        return look_once(conn, ToDelete, looking.HARD_DELETE, months)


def confirm(
    deployment: Deployment, found: ToDelete, *, yes: bool, rows: int | None
) -> None:
    """Ask twice before messages of real users are deleted.

    ``--rows`` is compared wherever it is given, so that a script deletes what its
    writer saw and nothing else.

    Raises:
        UsageError: Nobody agreed to this number; nothing was changed.
    """
    number = found.rows_to_delete
    remedy = f"./bootstrap db.hard-delete --dry-run{deployment.suffix}"
    if rows is not None and rows != number:
        raise UsageError(
            f"--rows {rows} is not what would be deleted, {number} messages moved"
            f" before {found.moved_before:%Y-%m-%d}; nothing was changed",
            remedy=remedy,
        )
    if deployment.is_local or deployment.dry_run or number == 0:
        return
    if yes:
        if rows is None:
            raise UsageError(
                f"--yes is not enough to delete {number} messages of stack"
                f" {deployment.stack} for good: --rows is missing; nothing was changed",
                remedy=f"{remedy}, then --yes --rows {number}",
            )
        return
    if not console.asks():
        raise UsageError(
            f"stack {deployment.stack} has real users and nobody is here to ask:"
            " --yes and --rows are missing; nothing was changed",
            remedy=f"{remedy}, then --yes --rows {number}",
        )
    console.tell_lines([f"{told(found)}; {GONE}."])
    for asked, expected in (
        (f"Type {deployment.stack} to delete them:", deployment.stack),
        ("Type how many messages are deleted:", str(number)),
    ):
        answer = console.ask(asked)
        if answer.replace(",", "") != expected:
            raise UsageError(
                f"{answer!r} is not {expected!r}: nothing was changed", remedy=remedy
            )


def told(found: ToDelete) -> str:
    """Say what would go."""
    text = (
        f"{found.rows_to_delete:,} of {found.archived_rows:,} messages in the archive,"
        f" of {found.conversations:,} conversations, were moved there before"
        f" {found.moved_before:%Y-%m-%d}"
    )
    if found.oldest_message and found.newest_message:
        text += (
            f"; written from {found.oldest_message:%Y-%m-%d} to"
            f" {found.newest_message:%Y-%m-%d}"
        )
    return text


def deleting(months: int, found: ToDelete) -> Step[Deployment]:
    """Make the step that deletes what was shown, and nothing that was moved since."""

    def body(deployment: Deployment) -> Iterator[Result]:
        if deployment.dry_run or found.rows_to_delete == 0:
            yield Result(
                id="archival.hard-delete",
                title=f"would delete for good: {told(found)}"
                if found.rows_to_delete
                else f"nothing to delete: {told(found)}",
                status=Status.PASS,
                evidence=looking.evidence(found),
                planned=deployment.dry_run and found.rows_to_delete > 0,
            )
            return
        job = Job(
            name=HARD_DELETE_JOB,
            statement="call kiloscale.run_hard_delete_archived_messages("
            "%s, moved_before => %s)",
            values=(months, found.moved_before),
            task=f"db.hard-delete --months {months}",
            noun="messages deleted",
        )
        try:
            ran = run_job(deployment.database_url(), job, deployment.progress)
        except DeployError as error:
            yield from kept("archival", job, error)
            raise
        left = found.rows_to_delete - ran.log.rows
        title = f"deleted {ran.log.rows:,} messages for good in {ran.seconds:.1f} s;"
        title += f" {GONE}"
        if left:
            title += f"; {left:,} of those shown are not deleted: restored or locked"
            title += " meanwhile, or the time was used up"
        yield Result(
            id="archival.hard-delete",
            title=title,
            status=Status.WARN if left else Status.PASS,
            evidence=ran.log.evidence() | {"wal_bytes": ran.wal_bytes},
            changed=ran.log.rows > 0,
        )

    return Step(id="archival", title="delete archived messages for good", run=body)
