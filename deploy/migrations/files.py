"""The migration files: found, checked as a whole, read.

Everything that can be known without a database is checked here, for all files at once:
a name that another tool would skip in silence, a version that stands twice, a text that
does not parse, a header that is not complete.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError
from deploy.migrations.header import Header, parse_header
from deploy.migrations.statements import Statement, UnparsableError, split

NAME = re.compile(r"(\d{14})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One migration file.

    Attributes:
        version: The 14 digits that order and identify it.
        name: The rest of the file name, without ``.sql``.
        path: The file.
        checksum: SHA-256 of the file, line ends as LF, in hex.
        header: Its leading comment.
        statements: Its statements in order.
    """

    version: str
    name: str
    path: Path
    checksum: str
    header: Header
    statements: tuple[Statement, ...]

    @property
    def in_transaction(self) -> bool:
        """Whether all statements commit together."""
        return self.header.in_transaction


class MigrationFilesError(DeployError):
    """Migration files cannot be used as they are; nothing was connected.

    Attributes:
        problems: One line for each, beginning with the file's name.
    """

    def __init__(self, folder: Path, problems: Sequence[str], remedy: str) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        count = len(problems)
        super().__init__(
            f"{folder.name}/: {count} problem{'s' if count > 1 else ''} in the files;"
            f" no database was connected\n{lines}",
            remedy=remedy,
            evidence={"problems": list(problems)},
        )
        self.problems = list(problems)


def discover(folder: Path) -> list[Migration]:
    """Find and check the migrations of a folder.

    Returns:
        The migrations in the order of their versions. Files that do not end in
        ``.sql``, in any case, are left alone.

    Raises:
        MigrationFilesError: Lists every problem of every file.
    """
    if not folder.is_dir():
        raise DeployError(
            f"{folder} is not a folder: there are no migrations to apply",
            remedy=f"git checkout -- {folder.name}",
        )
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".sql")
    problems, renames = _name_problems(paths)
    migrations = []
    for path in paths:
        if NAME.fullmatch(path.name):
            migration, found = _read(path)
            migrations.append(migration)
            problems += [f"{path.name}{problem}" for problem in found]
    if problems:
        commands = [
            f"git mv {folder.name}/{old} {folder.name}/{new}"
            for old, new in renames.items()
        ]
        remedy = " && ".join(commands) or f"correct the files in {folder.name}/"
        raise MigrationFilesError(folder, problems, remedy)
    return migrations


def _name_problems(paths: Iterable[Path]) -> tuple[list[str], dict[str, str]]:
    """List names and versions that cannot stay, with a free name for each."""
    by_version: dict[str, list[str]] = defaultdict(list)
    unnamed = []
    for path in paths:
        if found := NAME.fullmatch(path.name):
            by_version[found.group(1)].append(path.name)
        else:
            unnamed.append(path.name)
    problems, renames = [], {}
    taken = set(by_version)
    for name in unnamed:
        renames[name] = _free_name(name, taken)
        problems.append(
            f"{name}: not <14 digits>_<a-z, 0-9, _>.sql, so it would be skipped;"
            f" rename it to {renames[name]}"
        )
    for version, names in by_version.items():
        for name in names[1:]:
            renames[name] = _free_name(name, taken)
            problems.append(
                f"{name}: version {version} is also {names[0]}'s, so one of them would"
                f" never run; rename it to {renames[name]}"
            )
    return problems, renames


def _free_name(name: str, taken: set[str]) -> str:
    """Give a name with a version that no other file has, and take the version.

    >>> _free_name("20251107_Drop-Indexes.SQL", {"20251107000000"})
    '20251107000001_drop_indexes.sql'
    >>> _free_name("optimize.sql", {"20251107000300"})
    '20251107000301_optimize.sql'
    """
    found = re.match(r"(\d*)[_-]?(.*)\.sql$", name, flags=re.IGNORECASE)
    digits, rest = found.groups() if found else ("", name)
    newest = max(taken, default="0" * 13 + "1")
    version = int(digits[:14].ljust(14, "0")) if len(digits) >= 4 else int(newest)
    while f"{version:014d}" in taken:
        version += 1
    taken.add(f"{version:014d}")
    words = re.sub(r"[^a-z0-9]+", "_", rest.lower()).strip("_") or "unnamed"
    return f"{version:014d}_{words}.sql"


def _read(path: Path) -> tuple[Migration, list[str]]:
    """Read one file; problems begin with ``:line: `` or ``: ``."""
    content = path.read_bytes().replace(b"\r\n", b"\n")
    text = content.decode(errors="replace")
    header, found = parse_header(text)
    problems = [f": {problem}" for problem in found]
    if "\N{REPLACEMENT CHARACTER}" in text:
        problems.append(": is not UTF-8")
    statements: list[Statement] = []
    try:
        statements = split(text)
    except UnparsableError as error:
        problems.append(f":{error.line}: {error}")
    else:
        problems += _statement_problems(header, statements)
    version, _, name = path.stem.partition("_")
    migration = Migration(
        version=version,
        name=name,
        path=path,
        checksum=hashlib.sha256(content).hexdigest(),
        header=header,
        statements=tuple(statements),
    )
    return migration, problems


def _statement_problems(header: Header, statements: Sequence[Statement]) -> list[str]:
    """List statements that cannot run in the way that the header asks for."""
    problems = [] if statements else [": holds no statement"]
    for statement in statements:
        if statement.controls_transaction:
            problems.append(
                f":{statement.line}: {statement.first_line}: the runner begins and"
                " commits; take this statement out"
            )
        if statement.needs_no_transaction and header.in_transaction:
            problems.append(
                f":{statement.line}: {statement.first_line}: cannot run in a"
                " transaction; add `-- Transaction: none` to the header"
            )
    return problems
