"""What the tasks do, one function each; ``tasks.py`` names their options."""

from dataclasses import dataclass

from deploy import console, run
from deploy.deployment import Deployment


@dataclass(frozen=True, kw_only=True)
class Output:
    """How a task shows its report.

    Attributes:
        as_json: One JSON document on stdout.
        evidence: Evidence below each check of the table.
        debug: Tracebacks of operator errors.
    """

    as_json: bool = False
    evidence: bool = False
    debug: bool = False


def verify_crons(stack: str, out: Output) -> int:
    """Verify every scheduled job; give the exit code."""
    with run.ending("verify-crons", stack, as_json=out.as_json, debug=out.debug):
        from deploy.steps import VERIFY_CRONS

        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say)
        report = run.checklist(
            "verify-crons", deployment, VERIFY_CRONS, progress, judge=run.verify_judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)
