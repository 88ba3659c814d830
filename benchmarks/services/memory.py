"""What the default memory policy finds, and how often it calls the model.

The conversations are made and the model is a stand-in that loses facts with the length
of what it reads, with noise and by chance (`deploy.policy_lab.reader`, its defaults): a
comparison under stated assumptions, not a measurement of a model. The sweep of these
assumptions, with those under which the policy loses, is in docs/policy-lab.md.

services.recall is the share of facts that the default policy recalls. Its target is the
lower end of the 95 % interval of every-turn's recall, by a bootstrap over people; its
baseline is every-turn's recall. services.extraction_calls_ratio is the calls of the
default policy for each of every-turn's. The plan's sampling is told beside them.

So the first is met if the default policy's recall is within every-turn's interval or
above it. How close it is depends on the seed.
"""

from collections.abc import Callable, Iterator

from deploy.bench import Figure
from deploy.policy_lab.corpus import Mix, made
from deploy.policy_lab.facts import Facts
from deploy.policy_lab.measuring import Outcome, difference, materials
from deploy.policy_lab.measuring import measure as measure_policy
from deploy.policy_lab.reader import Luck, Reader
from deploy.policy_lab.sweep import BASELINE
from infra.catalog.extraction import DEFAULT_POLICY

PLAN = "sampled"
SEED = 42
CALLS_RATIO_MAX = 0.15


def measure_policies(progress: Callable[[str], None]) -> dict[str, Outcome]:
    """Replay the made corpus with the default policy, every turn, and the plan's."""
    corpus = made(SEED, Mix())
    facts, reader, luck = Facts.of(corpus), Reader(), Luck(SEED)
    found = {}
    for name in dict.fromkeys((BASELINE, DEFAULT_POLICY, PLAN)):
        progress(f"replaying {corpus.turns():,} turns with {name}")
        seen = materials(corpus, name)
        found[name] = measure_policy(
            corpus, facts, name, seen, reader=reader, luck=luck
        )
        progress(_told(found[name]))
    ours, every = found[DEFAULT_POLICY].found, found[BASELINE].found
    if ours and every:
        paired = difference(facts, ours, every, SEED)
        progress(
            f"{DEFAULT_POLICY} less {BASELINE}, the same people: {paired.value:+.1%}"
            f" [{paired.low:+.1%}, {paired.high:+.1%}]"
        )
    return found


def _told(outcome: Outcome) -> str:
    """Say a policy in one line."""
    recall = outcome.recall.told() if outcome.recall else "-"
    return (
        f"{outcome.policy}: recalls {recall} %, {100 * outcome.calls_ratio:.1f} calls"
        f" and {outcome.usd_per_1000 / 10:.4f} USD for 100 turns, known after"
        f" {outcome.delay_p50_s / 60:.0f} min"
    )


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the two figures."""
    found = measure_policies(progress)
    ours, every = found[DEFAULT_POLICY], found[BASELINE]
    if ours.recall is None or every.recall is None:
        raise ValueError("the made corpus has no facts")
    yield Figure(
        id="services.recall",
        value=ours.recall.value,
        unit="of facts",
        target=round(every.recall.low, 3),
        baseline=every.recall.value,
        at_least=True,
    )
    yield Figure(
        id="services.extraction_calls_ratio",
        value=ours.calls / every.calls,
        unit="of calls",
        target=CALLS_RATIO_MAX,
    )
