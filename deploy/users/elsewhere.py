"""What a deletion in the database does not reach, and what does."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.errors import UsageError

FILES = (
    'curl -X DELETE "$SUPABASE_URL/storage/v1/object/BUCKET" -H "Authorization: Bearer'
    ' $SERVICE_ROLE_KEY" -H "Content-Type: application/json" -d \'{"prefixes": [...]}\''
)


def elsewhere(
    deployment: Deployment, user: UUID, path: Path | None, files: Sequence[str]
) -> Iterator[Result]:
    """Say what is left outside of the database.

    Args:
        deployment: Whose stack.
        user: Whose rows were deleted.
        path: The list of the files; ``None`` if there are none.
        files: What it names.
    """
    if path:
        yield _files(len(files), str(path))
        yield from _copies(deployment, str(path), files)
    yield Result(
        id="user.exports",
        title="skipped: the files of db.export were not looked at",
        status=Status.SKIPPED,
        remedy=f"./bootstrap db.export --to WHERE --forget {user}{_stack(deployment)}",
    )


def _files(count: int, path: str) -> Result:
    """Say that the files are still there."""
    return Result(
        id="user.files",
        title=f"{count} file(s) of images are still in the storage; listed in {path}",
        status=Status.WARN,
        evidence={"files": count, "list": path, "command": FILES},
        remedy="delete them through the storage API, then delete the list",
    )


def _copies(
    deployment: Deployment, path: str, files: Sequence[str]
) -> Iterator[Result]:
    """Say how the CDN forgets its copies, if the stack has one."""
    from deploy.cdn.purging.wanted import is_covered

    public = [each for each in files if is_covered(each)]
    if not public or not _has_cdn(deployment):
        return
    yield Result(
        id="user.copies",
        title=f"the CDN may keep copies of {len(public)} file(s) for a week, browsers"
        " for a day: purge them once the files are deleted",
        status=Status.WARN,
        evidence={"public_files": len(public)},
        remedy=f"./bootstrap cdn.purge --path @{path} --wait{_stack(deployment)}",
    )


def _has_cdn(deployment: Deployment) -> bool:
    """Tell whether copies may be in a CDN."""
    from deploy import stackfiles
    from infra.catalog.cdn_modes import NONE

    if deployment.is_local:
        return True
    try:
        mode = stackfiles.of_stack(deployment.stack).get("kiloscale:cdn", NONE)
    except UsageError:
        # The rows are gone already: the report says too much rather than nothing.
        return True
    return str(mode) != NONE


def _stack(deployment: Deployment) -> str:
    """Write the option of the stack; the local one needs none."""
    return "" if deployment.is_local else f" --stack {deployment.stack}"
