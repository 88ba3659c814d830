"""The task ``cutover``."""

from deploy import console, run
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack


def cutover(stack: str, percent: str, out: Output) -> int:
    """Show the share of users and prove who answers; give the exit code."""
    with run.ending("cutover", stack, as_json=out.as_json, debug=out.debug):
        from deploy.cutover import shares, steps

        planned = shares.read_percent(percent)
        check_stack(stack)
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say)
        share = shares.of_stack(deployment)
        report = run.checklist(
            "cutover",
            deployment,
            steps.checklist(share, planned),
            progress,
            judge=run.verify_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)
