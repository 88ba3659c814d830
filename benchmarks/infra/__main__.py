"""Write what is proved of the infrastructure as a document.

python -m benchmarks.infra docs/infrastructure-proofs.md
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.infra import emulator_faults
from benchmarks.infra.catching import FAULTS, Seen, catch, report
from benchmarks.infra.emulator import running
from benchmarks.infra.probes import zips
from benchmarks.infra.program import record
from benchmarks.infra.rights import NOT_PROVED, Cell, table
from benchmarks.infra.trying import matrix
from deploy.emulator.provision import provision

INTRODUCTION = """\
# Proofs of the infrastructure

What was tried on the Pulumi program without an account, and what came of it. Written by
`python -m benchmarks.infra docs/infrastructure-proofs.md`; `./bootstrap bench infra`
counts the same, and the tests fail if a row is wrong.
"""

RIGHTS = """\
## Rights

Each role of the program tries each action on the AWS emulator with IAM enforced. *Yes*:
allowed, and declared in the catalog. A dot: refused, and not declared. Anything else
would be bold. {right} of {all} cells are right.
"""

SEEDED = """\
## Faults

Each fault is put by itself into a program without one. The layer is the one that must
see it; the message is what it said. {caught} of {all} are caught; without a fault
nothing is found. *types* is mypy, *invariants* what a dataclass of the catalog refuses,
*config* what the stack's configuration refuses, *policies* the rules in
`infra/policies/`, *cfn-lint* AWS's own schemas, *emulator* the running emulator.
"""


def document(cells: list[Cell], found: list[Seen]) -> Iterator[str]:
    """Write the document, line by line."""
    yield INTRODUCTION
    right = sum(cell.is_right for cell in cells)
    yield RIGHTS.format(right=right, all=len(cells))
    yield from table(cells)
    yield "\nWhat the emulator cannot check, and the rule that does:\n"
    for rule, what in NOT_PROVED.items():
        yield f"- `{rule}`: {what}"
    caught = sum(bool(each.message) for each in found)
    yield "\n" + SEEDED.format(caught=caught, all=len(found))
    yield from report(found)


def main(path: Path) -> None:
    """Try everything and write the document."""
    with running() as stack:
        provision(stack, zips(stack.state), lambda _: None)
        cells = list(matrix(stack))
        found = emulator_faults.catch(emulator_faults.FAULTS, stack)
    found = [*catch(FAULTS, record().resources), *found]
    path.write_text(_joined(document(cells, found)), encoding="utf-8")


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
