"""What a failed statement is told as: where, what, what is left of it, what to do."""

from collections.abc import Sequence

import psycopg

from deploy.database import CONNECTION_LOST
from deploy.errors import DeployError, HalfDoneError
from deploy.migrations.files import Migration
from deploy.migrations.plan import Plan
from deploy.migrations.statements import Statement
from deploy.migrations.watch import Blocker

AGAIN = "./bootstrap deploy --only migrations"
"""What goes on where the last run stopped."""


def refused(plan: Plan) -> DeployError:
    """Say why a run does not even begin."""
    lines = "\n".join(f"  {problem}" for problem in plan.problems)
    count = len(plan.problems)
    first = plan.edited[0].migration.path if plan.edited else None
    return DeployError(
        f"{count} migration{'s' if count > 1 else ''} edited after being applied;"
        f" nothing was changed\n{lines}",
        remedy=f"git checkout -- {first.parent.name}/{first.name}" if first else None,
        evidence={"problems": list(plan.problems)},
    )


def failed(
    migration: Migration,
    statement: Statement,
    error: psycopg.Error,
    *,
    kept: int | None,
    committed: bool,
) -> DeployError:
    """Say which statement failed and what is left of its file.

    Args:
        migration: The file.
        statement: The statement that failed.
        error: What the server said.
        kept: How many statements of the file stay applied; ``None`` if all do, and an
            index of theirs was to be built again.
        committed: Whether this run has committed anything, other files included.
    """
    place = f"{migration.path.parent.name}/{migration.path.name}"
    line = statement.line + _lines_before(statement, error)
    code = error.sqlstate or ("08000" if _is_lost(error) else "")
    said = error.diag.message_primary or str(error).strip()
    parts = [f"{place}:{line}: {said}" + (f" (SQLSTATE {code})" if code else "")]
    parts += [
        f"  {label}: {text}"
        for label, text in (
            ("statement", statement.first_line),
            ("detail", error.diag.message_detail),
            ("hint", error.diag.message_hint),
        )
        if text
    ]
    parts.append(f"  {_consequence(migration, code, kept)}")
    kind = HalfDoneError if committed or kept else DeployError
    return kind(
        "\n".join(parts),
        remedy=AGAIN
        if code.startswith(CONNECTION_LOST)
        else f"correct {place}:{line} or the data, then deploy again",
        evidence={
            "file": place,
            "line": line,
            "sqlstate": code,
            "statement": statement.first_line,
            "statements_kept": kept,
        },
    )


def blocked(
    migration: Migration,
    statement: Statement,
    blockers: Sequence[Blocker],
    *,
    attempts: int,
    kept: int | None,
    committed: bool,
) -> DeployError:
    """Say that a lock was not to be had, and who has it."""
    place = f"{migration.path.parent.name}/{migration.path.name}"
    who = "; ".join(str(blocker) for blocker in blockers) or "a session already gone"
    kind = HalfDoneError if committed or kept else DeployError
    pids = [blocker.pid for blocker in blockers]
    return kind(
        f"{place}:{statement.line}: no lock in {attempts} attempts, blocked by {who}\n"
        f"  statement: {statement.first_line}\n"
        f"  {_consequence(migration, '55P03', kept)}; deploy again when that"
        " transaction has ended",
        remedy=f"select pg_terminate_backend({pids[0]});" if pids else AGAIN,
        evidence={"file": place, "line": statement.line, "blocked_by": pids},
    )


def _is_lost(error: psycopg.Error) -> bool:
    """Whether the client noticed that its connection is gone."""
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def _lines_before(statement: Statement, error: psycopg.Error) -> int:
    """Count the lines of a statement before the place that the server names."""
    position = error.diag.statement_position
    if not position:
        return 0
    return statement.text.count("\n", 0, int(position) - 1)


def _consequence(migration: Migration, code: str, kept: int | None) -> str:
    """Say what is left of a file after one of its statements failed."""
    if code.startswith(CONNECTION_LOST):
        return "the session is gone; the next run finds out what was committed"
    if kept is None:
        return "the file stays applied; the index is still to be built again"
    if migration.in_transaction:
        return "the file was rolled back: nothing of it is applied"
    if kept == 0:
        return "no statement of the file is applied"
    done = "statement 1 is" if kept == 1 else f"statements 1 to {kept} are"
    return f"{done} applied and kept; the next run goes on with statement {kept + 1}"
