"""Rules on how much may run at once: no more than the database can take."""

from collections.abc import Iterator

from infra.policies.resources import Finding, Registered, Resources, Rule, is_known
from infra.policies.wiring import function_of, variables

FUNCTION = "lambda/function:Function"
MAPPING = "lambda/eventSourceMapping:EventSourceMapping"
DATABASE = "DATABASE_URL"
"""Who has this variable holds one connection for each simultaneous invocation."""


def consumers_are_bounded(resources: Resources) -> Iterator[Finding]:
    """Find queues that may start as many invocations as the account has."""
    for mapping in resources.of(MAPPING):
        if is_known(mapping.get("scalingConfig")) and not _most(mapping):
            what = "no scalingConfig.maximumConcurrency: a backlog empties the pooler"
            yield mapping.finding(consumers_are_bounded, what)


def reservations_do_not_throttle_consumers(resources: Resources) -> Iterator[Finding]:
    """Find reservations below what a queue may start at once."""
    for function, mappings in _consumers(resources):
        reserved = _reserved(function)
        most = sum(_most(mapping) for mapping in mappings)
        if reserved is not None and reserved < most:
            what = (
                f"reserves {reserved:.0f} of {most:.0f} invocations by its queue: each"
                " throttled delivery counts towards the dead letters"
            )
            yield function.finding(reservations_do_not_throttle_consumers, what)


def reservations_are_whole(resources: Resources) -> Iterator[Finding]:
    """Find functions without a bound in a stack that bounds its functions."""
    functions = list(resources.of(FUNCTION))
    if all(_reserved(each) is None for each in functions):
        return
    by_queue = {each.name for each, _ in _consumers(resources)}
    # In a preview the functions behind the mappings are not known yet.
    mapped = len(list(resources.of(MAPPING)))
    free = [each for each in functions if _reserved(each) is None]
    if len(by_queue) < mapped and len(free) <= mapped:
        return
    for function in free:
        if function.name not in by_queue:
            what = "no reservedConcurrentExecutions: nothing bounds its connections"
            yield function.finding(reservations_are_whole, what)


def nothing_is_switched_off(resources: Resources) -> Iterator[Finding]:
    """Find functions that answer every call with 429, and mappings that are off."""
    for function in resources.of(FUNCTION):
        if _reserved(function) == 0:
            what = "reservedConcurrentExecutions 0: each invocation is refused"
            yield function.finding(nothing_is_switched_off, what)
    for mapping in resources.of(MAPPING):
        if mapping.get("enabled") is False:
            what = "enabled is off: nobody works its queue off"
            yield mapping.finding(nothing_is_switched_off, what)


def connections_fit_the_pooler(resources: Resources) -> Iterator[Finding]:
    """Find stacks whose invocations could take every client of the pooler."""
    by_queue = {each.name: maps for each, maps in _consumers(resources)}
    taken: dict[str, float] = {}
    for function in resources.of(FUNCTION):
        if DATABASE not in variables(function):
            continue
        bounds = [sum(_most(each) for each in by_queue.get(function.name, ()))]
        if (reserved := _reserved(function)) is not None:
            bounds.append(reserved)
        taken[function.name] = max(bounds)
    room = resources.pooler_room
    if sum(taken.values()) > room:
        most = max(taken, key=lambda name: taken[name])
        function = next(e for e in resources.of(FUNCTION) if e.name == most)
        told = ", ".join(f"{name} {n:.0f}" for name, n in taken.items() if n)
        what = (
            f"{sum(taken.values()):.0f} simultaneous invocations ({told}) and the"
            f" pooler has {room} clients for them: connections are refused"
        )
        yield function.finding(connections_fit_the_pooler, what)


def _reserved(function: Registered) -> float | None:
    """Give a function's reserved concurrency; ``None`` for none.

    The provider writes -1 for none into a resource's outputs.
    """
    found = function.get("reservedConcurrentExecutions")
    known = isinstance(found, int | float) and found >= 0
    return float(found) if known else None


def _most(mapping: Registered) -> float:
    """Give the simultaneous invocations of a mapping; 0 if nothing bounds them."""
    scaling = mapping.get("scalingConfig")
    found = scaling.get("maximumConcurrency") if isinstance(scaling, dict) else None
    return float(found) if isinstance(found, int | float) else 0.0


def _consumers(
    resources: Resources,
) -> Iterator[tuple[Registered, list[Registered]]]:
    """Give each function that works a queue off, with its mappings."""
    found: dict[str, tuple[Registered, list[Registered]]] = {}
    for mapping in resources.of(MAPPING):
        function = function_of(resources, mapping)
        if function is not None:
            found.setdefault(function.name, (function, []))[1].append(mapping)
    yield from found.values()


RULES: tuple[Rule, ...] = (
    consumers_are_bounded,
    reservations_do_not_throttle_consumers,
    reservations_are_whole,
    nothing_is_switched_off,
    connections_fit_the_pooler,
)
