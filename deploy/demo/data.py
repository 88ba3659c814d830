"""The demo's data as results: fill it once, remove it, say what is there."""

from collections.abc import Iterator

from deploy.checklist import Result, Status
from deploy.demo import filling, removal, rows
from deploy.demo.rows import Marker
from deploy.demo.session import session
from deploy.demo.sizes import USERS_DEFAULT, Sizes
from deploy.deployment import Deployment
from deploy.errors import UsageError

MIB = 1024**2


def fill(deployment: Deployment, users: int) -> Iterator[Result]:
    """Fill the database, unless a demo of this size is there.

    Args:
        deployment: The run.
        users: Number of users; 0 takes what is there, else the default.

    Raises:
        UsageError: The number is out of its range, or a demo of another size is there.
    """
    with session(deployment, alone=not deployment.dry_run) as connection:
        there = rows.read_marker(connection)
        sizes = Sizes.of(users or (there.users if there else USERS_DEFAULT))
        if there and there.is_filled:
            _refuse_another_size(there, sizes)
            yield from _counts(rows.count(connection))
            yield _there(there)
            return
        if deployment.dry_run:
            yield _would_fill(sizes, there)
            return
        before = rows.database_bytes(connection)
        if there:
            deployment.progress("removing a demo whose fill was interrupted")
            removal.remove(connection, deployment.progress)
        rows.write_marker(connection, users=sizes.users, is_filled=False)
        filling.fill(connection, sizes, deployment.progress)
        rows.write_marker(connection, users=sizes.users, is_filled=True)
        yield from _counts(rows.count(connection), changed=True)
        yield _grown(before, rows.database_bytes(connection), sizes)


def remove(deployment: Deployment) -> Iterator[Result]:
    """Remove every row of the demo; a dry run counts them."""
    with session(deployment, alone=not deployment.dry_run) as connection:
        found = rows.count(connection)
        if deployment.dry_run or not (found or rows.read_marker(connection)):
            yield from _counts(found)
            total = sum(found.values())
            yield Result(
                id="data.removed",
                title=f"would remove {total:,} rows" if found else "there is no demo",
                status=Status.PASS,
                evidence={"rows": found},
                planned=bool(found),
            )
            return
        before = rows.database_bytes(connection)
        removed = removal.remove(connection, deployment.progress)
        yield from _counts(removed, changed=True)
        left = rows.count(connection)
        after = rows.database_bytes(connection)
        yield Result(
            id="data.removed",
            title=f"rows are left: {left}"
            if left
            else f"no row of the demo is left; database {before / MIB:.0f} ->"
            f" {after / MIB:.0f} MiB",
            status=Status.FAIL if left else Status.PASS,
            evidence={"left": left, "bytes_before": before, "bytes_after": after},
            remedy="./bootstrap demo --remove" if left else None,
            changed=True,
        )


def _refuse_another_size(there: Marker, wanted: Sizes) -> None:
    """Refuse to fill a second time beside what is there.

    Raises:
        UsageError: A demo of another size is there.
    """
    if there.users != wanted.users:
        raise UsageError(
            f"a demo of {there.users:,} users is there since {there.filled_at};"
            f" {wanted.users:,} were asked for: nothing was made",
            remedy=f"./bootstrap demo --remove && ./bootstrap demo --users"
            f" {wanted.users}",
        )


def _counts(found: dict[str, int], *, changed: bool = False) -> Iterator[Result]:
    """Yield the rows of each table."""
    for table, count in found.items():
        yield Result(
            id=f"data.{table}",
            title=f"{count:,} rows",
            status=Status.PASS,
            evidence={"rows": count},
            changed=changed,
        )


def _there(there: Marker) -> Result:
    """Say that nothing had to be made."""
    return Result(
        id="data.filled",
        title=f"a demo of {there.users:,} users is there since {there.filled_at}:"
        " nothing was made",
        status=Status.PASS,
        evidence={"users": there.users, "filled_at": there.filled_at},
    )


def _would_fill(sizes: Sizes, there: Marker | None) -> Result:
    """Say what a run would make."""
    first = "remove a demo whose fill was interrupted, then " if there else ""
    size = sizes.database_bytes / MIB
    return Result(
        id="data.filled",
        title=f"would {first}make {sizes.told()}: about {size:.0f} MiB",
        status=Status.PASS,
        evidence={"users": sizes.users, "messages": sizes.messages},
        planned=True,
    )


def _grown(before: int, after: int, sizes: Sizes) -> Result:
    """Say how much the database grew."""
    return Result(
        id="data.filled",
        title=f"{sizes.users:,} users; database {before / MIB:.0f} ->"
        f" {after / MIB:.0f} MiB",
        status=Status.PASS,
        evidence={"bytes_before": before, "bytes_after": after},
        changed=True,
    )
