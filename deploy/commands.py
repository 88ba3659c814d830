"""What the tasks do, one function each; ``tasks.py`` names their options."""

from dataclasses import dataclass

from deploy import console, run
from deploy.deployment import Deployment
from deploy.errors import UsageError


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


def run_cron(stack: str, job: str, out: Output) -> int:
    """Run the declared command of one job, or of all, at once; give the exit code."""
    with run.ending("crons.run", stack, as_json=out.as_json, debug=out.debug):
        from deploy.steps import crons
        from infra.catalog.pg_crons import PG_CRON_JOBS

        known = [declared.name for declared in PG_CRON_JOBS]
        if job != "all" and job not in known:
            raise UsageError(
                f"no job named {job!r} is declared; known: {', '.join(known)}",
                remedy="./bootstrap crons.run --job all",
            )
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say)
        jobs = [declared for declared in PG_CRON_JOBS if job in ("all", declared.name)]
        report = run.checklist(
            "crons.run",
            deployment,
            [crons.running(jobs)],
            progress,
            judge=run.plain_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)
