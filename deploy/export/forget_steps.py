"""The steps of ``db.export --forget``."""

from collections import Counter
from collections.abc import Iterator

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.errors import DeployError, HalfDoneError, UsageError
from deploy.export import source
from deploy.export.forgetting import Forgetting, Found, without
from deploy.export.manifest import Manifest
from deploy.export.publishing import publish
from deploy.export.session import Session

THERE = """
select exists (select from public.conversations c where c.user_id::text = %(user)s)
    or exists (select from public.messages m where m.user_id::text = %(user)s)
"""


def forgetting(session: Session, place: str, user: str) -> Step[Deployment]:
    """Make the step that removes a user from the files.

    Args:
        session: The export.
        place: Connection URL of the database.
        user: Id of the user.
    """

    def body(deployment: Deployment) -> Iterator[Result]:
        made = session.last
        if made is None or session.unfinished:
            raise UsageError(
                f"{session.place.name} has no finished export; nothing was changed",
                remedy=f"./bootstrap db.export --to {session.place.name}",
            )
        yield _in_database(place, user)
        shown = session.key.pseudonym("user", user)
        folder = session.place.scratch()
        work = Forgetting(session.place, made, folder, shown)
        try:
            found = list(work.look())
            yield from _seen(found, planned=deployment.dry_run)
            if found and not deployment.dry_run:
                yield _removed(session, made, work, found)
        finally:
            work.close()
            session.place.clear()

    return Step(id="forget", title="look for a user in the files", run=body)


def _in_database(place: str, user: str) -> Result:
    """Warn if the next export would bring the user back."""
    with source.snapshot(place) as found:
        row = found.connection.execute(THERE, {"user": user}).fetchone()
    there = bool(row and row[0])
    return Result(
        id="forget.database",
        title="the database still has this user, whom the next export brings back"
        if there
        else "the database does not have the user",
        status=Status.WARN if there else Status.PASS,
        evidence={"in_database": there},
        remedy=f"./bootstrap user.delete --user {user} --dry-run" if there else None,
    )


def _seen(found: list[Found], *, planned: bool) -> Iterator[Result]:
    """Say which files have rows of the user."""
    if not found:
        yield Result(
            id="forget.files", title="no file has a row of his", status=Status.PASS
        )
    rows: Counter[str] = Counter()
    for each in found:
        rows[each.table] += each.rows
    for table, count in rows.items():
        files = [each.file.path for each in found if each.table == table]
        yield Result(
            id=f"forget.{table}",
            title=f"{count:,} rows in {len(files)} files",
            status=Status.PASS,
            evidence={"rows": count, "files": files},
            planned=planned,
        )


def _removed(
    session: Session, made: Manifest, work: Forgetting, found: list[Found]
) -> Result:
    """Replace the files by ones without the user."""
    staged = [work.write(each) for each in found]
    done = 0
    try:
        for _ in publish(
            session.place, without(made, staged), staged, (), session.progress
        ):
            done += 1
    except (DeployError, OSError) as error:
        if not done:
            raise
        raise HalfDoneError(
            f"{error}; {done} of {len(staged)} files are replaced",
            remedy=f"./bootstrap db.export --to {session.place.name}",
        ) from error
    return Result(
        id="forget.removed",
        title=f"{done} files written without the user; it cannot be undone",
        status=Status.PASS,
        evidence={"files": done},
        changed=True,
    )
