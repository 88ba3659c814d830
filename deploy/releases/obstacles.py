"""Migrations that were applied since a version was live, and whether it still works.

Expand migrations add: the code before them keeps working, which is what the phase
means. A contract migration takes away what older code may use. A backfill changes rows;
it stands in the way if its header says that it cannot be reversed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.deployment import Deployment
from deploy.migrations.header import Header, parse_header
from deploy.paths import REPOSITORY

FOLDER = REPOSITORY / "migrations"

SINCE = """
select version from kiloscale.migration_checksums where applied_at > %s order by version
"""

NO_WAY_BACK = ("none", "no ", "not ", "cannot", "impossible", "irreversible")
"""How a header's reversal begins that says there is none."""


@dataclass(frozen=True, kw_only=True)
class Since:
    """What was applied since.

    Attributes:
        applied: Names of the files, or versions of which there is no file.
        in_the_way: Why older code may not work, by the same names.
    """

    applied: tuple[str, ...]
    in_the_way: Mapping[str, str]


def since(
    deployment: Deployment, then: Iterable[str] | None, published_at: str
) -> Since:
    """Look what was applied since a version was live.

    Args:
        deployment: The stack.
        then: Versions that were applied when it was last live, by the log; ``None``
            takes those that are older than the version.
        published_at: When the version was published.

    Raises:
        DeployError: The database cannot be looked at.
    """
    from deploy.database import connect, explained
    from deploy.migrations import history

    with (
        connect(deployment.database_url()) as connection,
        explained(connection, "reading the history of migrations"),
    ):
        recorded = history.read(connection)
        ours = {v for v, each in recorded.items() if each.checksum is not None}
        if then is not None:
            new = ours - set(then)
        elif history.exists(connection, history.CHECKSUMS):
            rows = connection.execute(SINCE, [published_at]).fetchall()
            new = {version for (version,) in rows}
        else:
            new = set()
    return judge(sorted(new), headers(FOLDER))


def headers(folder: Path) -> dict[str, tuple[str, Header]]:
    """Read the headers of a folder: name of the file and header, by version."""
    found = {}
    for path in sorted(folder.glob("*.sql")):
        version = path.stem.partition("_")[0]
        found[version] = (path.name, parse_header(path.read_text("utf-8"))[0])
    return found


def judge(versions: Iterable[str], known: Mapping[str, tuple[str, Header]]) -> Since:
    """Say which of the versions stand in the way of older code."""
    applied, in_the_way = [], {}
    for version in versions:
        name, header = known.get(version, (version, None))
        applied.append(name)
        if reason := _reason(header):
            in_the_way[name] = reason
    return Since(applied=tuple(applied), in_the_way=in_the_way)


def _reason(header: Header | None) -> str | None:
    """Say why older code may not work after a migration; ``None`` if it does."""
    if header is None:
        return "has no file here: what it does to older code is unknown"
    phase = header.phase.split()[0].lower() if header.phase else ""
    if phase == "expand":
        return None
    if phase == "backfill" and not header.reversal.lower().startswith(NO_WAY_BACK):
        return None
    return f"{header.phase}; reversal: {header.reversal}"
