"""How many faults that are put in on purpose are seen, by the layer that must see them.

The faults stand in `benchmarks.infra.policy_faults`, ``other_faults`` and
``emulator_faults``. Each is put into a program that has none and in which nothing is
found.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from benchmarks.infra import emulator_faults
from benchmarks.infra.catching import FAULTS, Seen, catch, report
from benchmarks.infra.emulator import running
from benchmarks.infra.probes import zips
from benchmarks.infra.program import record
from deploy.bench import Figure
from deploy.emulator.provision import provision
from deploy.planning.cloudformation import findings
from deploy.planning.recording import REGION
from infra.policies import check


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield how many of the faults were seen, and what is found without a fault."""
    found = [*_without_emulator(progress), *_on_emulator(progress)]
    for line in report(found):
        progress(line)
    counts = Counter(each.fault.layer for each in found if each.message)
    progress(", ".join(f"{layer} {count}" for layer, count in counts.items()))
    yield Figure(
        id="infra.faults_caught",
        value=sum(counts.values()),
        unit="faults",
        target=len(found),
        at_least=True,
    )
    yield Figure(id="infra.clean_findings", value=_clean(), unit="findings", target=0)


def _without_emulator(progress: Callable[[str], None]) -> list[Seen]:
    """Put in what needs no emulator."""
    progress(f"putting {len(FAULTS)} faults into the program")
    return catch(FAULTS, record().resources)


def _on_emulator(progress: Callable[[str], None]) -> list[Seen]:
    """Put in what only shows when something runs."""
    with running() as stack:
        progress("provisioning an emulator")
        provision(stack, zips(stack.state), progress)
        progress(f"putting {len(emulator_faults.FAULTS)} faults onto the emulator")
        return emulator_faults.catch(emulator_faults.FAULTS, stack)


def _clean() -> int:
    """Count what is found in an update and in a preview without a fault."""
    update = record().resources
    preview = record(preview=True).resources
    return len(check(update)) + len(check(preview)) + len(findings(update, REGION))
