"""The task ``user.delete``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from deploy import console, run
from deploy.checklist import Result, Status, Step
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.errors import DeployError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.users.deleting import Deleted
    from deploy.users.looking import Connection, Line, Looked

TASK = "user.delete"
DRY = f"./bootstrap {TASK} --user ID --dry-run"

LOGIN = (
    'curl -X DELETE "$SUPABASE_URL/auth/v1/admin/users/{user}"'
    ' -H "apikey: $SERVICE_ROLE_KEY" -H "Authorization: Bearer $SERVICE_ROLE_KEY"'
)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Whom to delete, and what may go along.

    Attributes:
        user: Their id.
        confirmed: The id as it was typed a second time; empty if it was not.
        allowed: Tables of which rows of other users may go along.
    """

    user: UUID
    confirmed: str
    allowed: Sequence[str]


def delete(
    stack: str, chosen: tuple[str, str, str], out: Output, *, dry_run: bool, yes: bool
) -> int:
    """Delete a user's rows; give the exit code.

    Args:
        stack: Name of the stack.
        chosen: ``--user``, ``--confirm`` and ``--allow`` as they were typed.
        out: How to show the report.
        dry_run: Only show what would go.
        yes: Whether not to ask.
    """
    with run.ending(TASK, stack, as_json=out.as_json, debug=out.debug):
        from deploy.users.looking import user_id

        user, confirmed, allowed = chosen
        names = tuple(name.strip() for name in allowed.split(",") if name.strip())
        whom = Chosen(user=user_id(user), confirmed=confirmed, allowed=names)
        check_stack(stack)
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=dry_run)
        _confirm(deployment, whom, yes=yes)
        report = run.checklist(
            TASK,
            deployment,
            [Step(id="user", title="delete a user", run=lambda each: _run(each, whom))],
            progress,
            judge=run.plain_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def _confirm(deployment: Deployment, chosen: Chosen, *, yes: bool) -> None:
    """Ask for the id once more before rows of a real user are deleted.

    Raises:
        UsageError: It was not given; nothing was changed.
    """
    if deployment.is_local or deployment.dry_run:
        return
    remedy = f"{DRY} --stack {deployment.stack}, then with --yes --confirm ID"
    if not (yes or console.asks()):
        raise UsageError(
            f"stack {deployment.stack} has real users and nobody is here to ask: --yes"
            " and --confirm are missing; nothing was changed",
            remedy=remedy,
        )
    typed = (
        chosen.confirmed
        if yes or chosen.confirmed
        else console.ask("This cannot be undone. Type the user's id to delete:")
    )
    if typed.lower() != str(chosen.user):
        raise UsageError(
            f"{typed!r} is not the id of --user; nothing was changed", remedy=remedy
        )


@contextmanager
def _session(deployment: Deployment) -> "Iterator[Connection]":
    from deploy.database import connect, explained
    from deploy.migrations.session import refuse_pooler_port, reset

    url = deployment.database_url()
    refuse_pooler_port(url)
    with connect(url) as conn, explained(conn, "deleting a user"):
        reset(conn)
        yield conn


def _run(deployment: Deployment, chosen: Chosen) -> Iterator[Result]:
    """Look, then delete unless this is a dry run."""
    from deploy.users.deleting import delete as delete_rows
    from deploy.users.elsewhere import elsewhere
    from deploy.users.files import keep
    from deploy.users.looking import look

    with _session(deployment) as conn:
        deployment.progress("looking through all tables")
        looked = look(conn, chosen.user)
        yield _looked(looked, chosen, dry_run=deployment.dry_run)
        yield from _slow(looked)
        if not deployment.dry_run and (looked.to_delete or looked.of("hand")):
            path, files = keep(conn, chosen.user, deployment.records)
            done, looked = delete_rows(
                conn, chosen.user, chosen.allowed, deployment.progress
            )
            yield _deleted(done, path, len(files))
            yield from elsewhere(deployment, chosen.user, path, files)
        yield _kept(looked, chosen.user)


def _rows(lines: "Sequence[Line]") -> list[dict[str, object]]:
    return [
        {"table": line.table, "act": line.act, "rows": line.rows, "why": line.why}
        for line in lines
    ]


def _looked(looked: "Looked", chosen: Chosen, *, dry_run: bool) -> Result:
    """Say what is there.

    Raises:
        DeployError: Something stops the deletion; nothing was deleted.
    """
    if stops := looked.stops(chosen.allowed):
        told = "; ".join(f"{each.rows} of {each.table}: {each.why}" for each in stops)
        others = sorted({each.table for each in stops if each.act == "others"})
        raise DeployError(
            f"nothing was deleted: {told}",
            remedy=f"delete or detach these rows first, or --allow {','.join(others)}"
            if others and len(others) == len({each.table for each in stops})
            else "delete or detach these rows first",
            evidence={"stops": _rows(stops)},
        )
    total = sum(looked.to_delete.values())
    would = "would delete" if dry_run else "to delete:"
    return Result(
        id="user.rows",
        title=f"{would} {total:,} rows of {len(looked.to_delete)} tables"
        if total
        else "nothing of this user is left in the app's tables and ours",
        status=Status.PASS,
        evidence={
            "rows": looked.to_delete,
            "details": _rows(looked.of("hand", "clears", "others")),
        },
        planned=dry_run and bool(total or looked.of("hand")),
    )


def _slow(looked: "Looked") -> Iterator[Result]:
    """Warn of foreign keys without an index."""
    for line in looked.slow:
        yield Result(
            id="user.slow",
            title=f"each deleted row reads {line.table} with its {line.rows:,} rows",
            status=Status.WARN,
            evidence={"table": line.table, "rows": line.rows},
            remedy=line.why,
        )


def _deleted(done: "Deleted", path: "Path | None", files: int) -> Result:
    """Say what was deleted."""
    handed = f", {done.handed_over} conversations handed over"
    return Result(
        id="user.deleted",
        title=f"{sum(done.tables.values()):,} rows of {len(done.tables)} tables"
        f" deleted in {done.batches} commits{handed if done.handed_over else ''}",
        status=Status.PASS,
        evidence={
            "deleted": done.tables,
            "conversations_handed_over": done.handed_over,
            "run_log": done.runs,
            "files_of_images": files,
            "list_of_files": str(path) if path else None,
        },
        changed=True,
    )


def _kept(looked: "Looked", user: UUID) -> Result:
    """Say what still names the user."""
    kept = looked.of("kept")
    told = ", ".join(f"{line.rows} of {line.table}" for line in kept)
    has_login = any(line.table == "auth.users" for line in kept)
    return Result(
        id="user.kept",
        title=f"still names the user: {told}" if kept else "nothing names the user",
        status=Status.WARN if kept else Status.PASS,
        evidence={"kept": _rows(kept)},
        remedy=LOGIN.format(user=user) if has_login else None,
    )
