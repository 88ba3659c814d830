"""The task ``drift``."""

from deploy import console, run
from deploy.checklist import Step
from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.drift.looking import Looking


def drift(stack: str, out: Output) -> int:
    """Compare a stack with what was deployed; change nothing; give the exit code."""
    with run.ending("drift", stack, as_json=out.as_json, debug=out.debug):
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=True)
        looking = Looking()
        step = Step(id="drift", title="compare with what was deployed", run=looking.run)
        report = run.checklist(
            "drift", deployment, [step], progress, judge=looking.judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)
