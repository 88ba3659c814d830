"""The tasks ``receipt.show`` and ``receipt.verify``."""

from collections.abc import Iterator, Sequence

from deploy import console, receipts
from deploy.checklist import Result, Status, Step
from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.errors import DeployError, UsageError
from deploy.run import checklist, ending, plain_judge

IN_DATABASE = """
select number, sha256 from kiloscale.receipts where stack = %s order by number
"""


def show(stack: str, number: int, out: Output) -> int:
    """Print one receipt as a page, or as JSON; 0 is the newest."""
    with ending("receipt.show", stack, as_json=out.as_json, debug=out.debug):
        deployment = Deployment(stack=stack, progress=lambda _: None)
        document = _find(receipts.load_all(deployment.records), number)
        if not out.as_json:
            console.say_lines(receipts.markdown(document))
            return 0

        def body(_: Deployment) -> Iterator[Result]:
            yield Result(
                id="receipt.document",
                title=f"receipt {document['number']} of {document['started_at']}",
                status=Status.PASS,
                evidence=document,
            )

        step = Step(id="receipt", title="read the receipt", run=body)
        report = checklist(
            "receipt.show",
            deployment,
            [step],
            console.Progress(),
            judge=plain_judge,
        )
        console.show(report, as_json=True)
        return int(report.exit_code)


def _find(documents: Sequence[receipts.Document], number: int) -> receipts.Document:
    """Choose a receipt.

    Raises:
        UsageError: There is none with this number, or it cannot be read.
    """
    wanted = [document for document in documents if number in (0, document["number"])][
        -1:
    ]
    if not wanted or wanted[0]["report"] is None:
        have = f"1 to {documents[-1]['number']}" if documents else "none"
        raise UsageError(
            f"no readable receipt {number or ''}: there are {have}",
            remedy="./bootstrap receipt.verify",
        )
    return wanted[0]


def verify(stack: str, out: Output) -> int:
    """Check the chain of receipts, and their copies in the database."""
    with ending("receipt.verify", stack, as_json=out.as_json, debug=out.debug):
        deployment = Deployment(stack=stack, progress=lambda _: None)
        step = Step(id="receipts", title="verify the chain", run=_check, verifies=True)
        report = checklist(
            "receipt.verify",
            deployment,
            [step],
            console.Progress(),
            judge=plain_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def _check(deployment: Deployment) -> Iterator[Result]:
    """Yield what breaks the chain, then what the database says otherwise."""
    documents = receipts.load_all(deployment.records)
    broken = receipts.problems(documents)
    for number, problem in broken.items():
        yield Result(
            id=f"receipts.{number}",
            title=f"receipt {number}: {problem}",
            status=Status.FAIL,
            evidence={"file": f"{number:06d}.json"},
            remedy=f"./bootstrap receipt.show --number {number} --json",
        )
    yield Result(
        id="receipts.chain",
        title=f"{len(documents)} receipts, {len(documents) - len(broken)} as written",
        status=Status.FAIL if broken else Status.PASS,
        evidence={"newest": documents[-1]["sha256"] if documents else None},
    )
    yield _copies(deployment, documents)


def _copies(deployment: Deployment, documents: Sequence[receipts.Document]) -> Result:
    """Compare with the copies in the database."""
    from deploy.database import connect

    try:
        with connect(deployment.database_url()) as connection:
            known = connection.execute(receipts.KNOWS_RECEIPTS).fetchone()
            rows = (
                connection.execute(IN_DATABASE, (deployment.stack,)).fetchall()
                if known and known[0]
                else []
            )
    except DeployError as error:
        return Result(
            id="receipts.database",
            title=f"skipped: {error}",
            status=Status.SKIPPED,
            remedy=error.remedy,
        )
    here = {(document["number"], document["sha256"]) for document in documents}
    strange = [number for number, sha256 in rows if (number, sha256) not in here]
    return Result(
        id="receipts.database",
        title=f"{len(rows)} copies in the database agree"
        if not strange
        else f"receipts {strange} in the database are not here: another machine's, or"
        " edited or deleted here",
        status=Status.WARN if strange else Status.PASS,
        evidence={"copies": len(rows), "not_here": strange},
    )
