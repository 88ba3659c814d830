"""How many cells of the matrix of rights the emulator decides as the catalog declares.

See `benchmarks.infra.rights`, also for what the emulator cannot check.
"""

from collections.abc import Callable, Iterator

from benchmarks.infra.emulator import running
from benchmarks.infra.probes import zips
from benchmarks.infra.rights import NOT_PROVED, table
from benchmarks.infra.trying import matrix
from deploy.bench import Figure
from deploy.emulator.provision import provision


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield how many cells are right."""
    with running() as stack:
        progress("provisioning an emulator")
        provision(stack, zips(stack.state), progress)
        progress("trying every right of every role")
        cells = list(matrix(stack))
    for line in table(cells):
        progress(line)
    for rule, what in NOT_PROVED.items():
        progress(f"not proved here, but by {rule}: {what}")
    yield Figure(
        id="infra.matrix_cells",
        value=sum(cell.is_right for cell in cells),
        unit="cells",
        target=len(cells),
        at_least=True,
    )
