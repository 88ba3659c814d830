"""A rollback by hand: choose, look what stands in the way, move, ask, note."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.releases import choosing, log, obstacles, pending
from deploy.releases.choosing import Known, Move
from deploy.releases.gate import commit
from deploy.releases.guard import applied_migrations, forget_proofs
from deploy.releases.log import Entry
from deploy.releases.versions import Functions, Published, Version
from infra.catalog.services import SERVICES, Service

ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody asked for.

    Attributes:
        service: Name of a service, or ``all``.
        to: Number of a version; of a release for ``all``; ``None`` for the one before.
        force: Go back although a migration stands in the way, or is unknown.
    """

    service: str
    to: int | None = None
    force: bool = False


def look(deployment: Deployment, functions: Functions) -> Known:
    """Look what is live, what is there, and what the log says."""
    there = {service.name: functions.published(service) for service in SERVICES}
    found = {service.name: functions.live(service) for service in SERVICES}
    return Known(
        live={name: version for name, version in found.items() if version},
        there=there,
        entries=log.read(deployment.records),
    )


def run(deployment: Deployment, wish: Wish) -> Iterator[Result]:
    """Roll back; yield what is seen and done."""
    functions = Functions(deployment)
    known = look(deployment, functions)
    entry, moves = _choose(known, wish)
    way = _in_the_way(deployment, wish, entry, moves)
    yield way
    if way.status is Status.FAIL:
        return
    yield from _settings(known, moves)
    if deployment.dry_run:
        yield _would(moves)
        return
    undo = _undo(deployment, wish, known, moves)
    functions.move_together(
        [(_service(m.service), m.now.number, m.then.version.number) for m in moves]
    )
    # Told before it is noted: where noting fails, the run is half done.
    yield _moved(moves, undo)
    _note(deployment, known, moves)
    yield _differs(deployment)


def _choose(known: Known, wish: Wish) -> tuple[Entry | None, list[Move]]:
    """Choose the moves, and find when their versions were live last."""
    if wish.service == ALL:
        return choosing.whole_set(known, wish.to)
    move = choosing.one(known, wish.service, wish.to)
    return choosing.last_live(known, wish.service, move.then.version), [move]


def _in_the_way(
    deployment: Deployment, wish: Wish, entry: Entry | None, moves: Sequence[Move]
) -> Result:
    """Say which migrations were applied since; refuse what older code may not use."""
    try:
        since = obstacles.since(
            deployment,
            entry.migrations if entry else None,
            min(move.then.at for move in moves),
        )
    except DeployError as error:
        return _unknown(wish, error)
    if since.in_the_way:
        return _blocked(wish, since)
    count = len(since.applied)
    title = f"{count} applied since: they only add, older code keeps working"
    return Result(
        id="rollback.migrations",
        title=title if count else "none was applied since",
        status=Status.PASS,
        evidence={"applied_since": list(since.applied)},
    )


def _unknown(wish: Wish, error: DeployError) -> Result:
    """Say that nobody could look, and what that means."""
    unknown = f"whether a migration stands in the way is unknown: {error}"
    return Result(
        id="rollback.migrations",
        title=f"not looked at: {error}"
        if wish.force
        else f"{unknown}; --force goes back without looking",
        status=Status.WARN if wish.force else Status.FAIL,
        remedy=error.remedy,
    )


def _blocked(wish: Wish, since: obstacles.Since) -> Result:
    """Name the migrations that older code may not work with."""
    blocked = "; ".join(f"{name} ({why})" for name, why in since.in_the_way.items())
    refused = "; nothing was changed, --force goes back all the same"
    return Result(
        id="rollback.migrations",
        title=f"older code may not work after {blocked}"
        + ("" if wish.force else refused),
        status=Status.WARN if wish.force else Status.FAIL,
        evidence={
            "applied_since": list(since.applied),
            "in_the_way": dict(since.in_the_way),
        },
        remedy=None if wish.force else "correct the code, then ./bootstrap deploy",
    )


def _settings(known: Known, moves: Sequence[Move]) -> Iterator[Result]:
    """Name the settings that come back in an old value, as a rotated secret does."""
    differ = {}
    for move in moves:
        now = known.find(move.service, move.now.number)
        if now and (names := _other(now, move.then)):
            differ[move.service] = names
    if differ:
        told = "; ".join(f"{name}: {', '.join(n)}" for name, n in differ.items())
        yield Result(
            id="rollback.settings",
            title=f"a version keeps its settings; these have their old value: {told}",
            status=Status.WARN,
            evidence=differ,
        )


def _other(now: Published, then: Published) -> list[str]:
    """Name the settings whose values differ; never the values."""
    names = sorted({*now.settings, *then.settings})
    return [n for n in names if now.settings.get(n) != then.settings.get(n)]


def _would(moves: Sequence[Move]) -> Result:
    """Say what a rollback would move."""
    return Result(
        id="rollback.aliases",
        title=f"would move {_list(moves)}",
        status=Status.PASS,
        evidence={"moves": _evidence(moves)},
        planned=True,
    )


def _moved(moves: Sequence[Move], undo: Sequence[str]) -> Result:
    """Say what was moved, and how to take it back."""
    return Result(
        id="rollback.aliases",
        title=f"moved {_list(moves)}",
        status=Status.PASS,
        evidence={"moves": _evidence(moves), "undo": list(undo)},
        remedy=undo[0] if len(undo) == 1 else None,
        changed=True,
    )


def _differs(deployment: Deployment) -> Result:
    """Say what differs from the program from now on."""
    again = "deploys the new code again; check out the commit that is live first"
    if deployment.is_local:
        title, remedy = f"the next deploy {again}", None
    else:
        title = f"Pulumi's state still has the new versions: the next update {again}"
        remedy = f"pulumi up --refresh --stack {deployment.stack}"
    return Result(id="rollback.state", title=title, status=Status.WARN, remedy=remedy)


def _undo(
    deployment: Deployment, wish: Wish, known: Known, moves: Sequence[Move]
) -> list[str]:
    """Give the command that takes a rollback back."""
    task = "./bootstrap rollback --service"
    if wish.service != ALL:
        move = moves[0]
        return [f"{task} {move.service} --to {move.now.number}{deployment.suffix}"]
    entry = choosing.logged(known, known.live) or log.append(
        deployment.records,
        log.FOUND,
        known.live,
        migrations=applied_migrations(deployment),
    )
    return [f"{task} {ALL} --to {entry.number}{deployment.suffix}"]


def _note(deployment: Deployment, known: Known, moves: Sequence[Move]) -> None:
    """Write the log; no later deploy may rely on what was proved before."""
    after: dict[str, Version] = dict(known.live)
    after |= {move.service: move.then.version for move in moves}
    log.append(
        deployment.records,
        log.ROLLED_BACK,
        after,
        commit=commit(),
        migrations=applied_migrations(deployment),
    )
    pending.end(deployment.records)
    forget_proofs(deployment)


def _service(name: str) -> Service:
    """Find a service by name."""
    return next(each for each in SERVICES if each.name == name)


def _list(moves: Sequence[Move]) -> str:
    """Write the moves in a line."""
    return ", ".join(
        f"{m.service} {m.now.number} -> {m.then.version.number}" for m in moves
    )


def _evidence(moves: Sequence[Move]) -> list[dict[str, object]]:
    """Write the moves for a receipt."""
    return [
        {
            "service": move.service,
            "from": move.now.number,
            "to": move.then.version.number,
            "published_at": move.then.at,
            "sha256": move.then.version.sha256,
        }
        for move in moves
    ]
