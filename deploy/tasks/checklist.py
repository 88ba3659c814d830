"""The tasks of the checklist: deploy, and what looks after it."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help=SHOWN
    | {
        "only": "Run only these steps, comma-separated, e.g. migrations,crons.",
        "skip": "Leave these steps out, comma-separated.",
        "from_": "Begin with this step, after preflight and database.",
        "resume": "Begin with the step in which the last deploy ended.",
        "dry_run": "Look at everything, change nothing.",
        "check": "As --dry-run, and exit 6 if something would change.",
        "yes": "Do not ask before changing a cloud stack.",
        "plan": "Write what a deploy would do into this file; change nothing.",
        "apply": "Deploy what this plan file says, without a question, or refuse; one"
        " that was made without the Pulumi CLI is asked about.",
        "allow_replace": "Resources that may go although something is lost with them.",
    }
)
def deploy(
    c: Context,
    stack: str = "local",
    only: str = "",
    skip: str = "",
    from_: str = "",
    resume: bool = False,
    dry_run: bool = False,
    check: bool = False,
    yes: bool = False,
    plan: str = "",
    apply: str = "",
    allow_replace: str = "",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Run the deployment checklist; what is already so stays as it is.

    A cloud stack is provisioned by the Pulumi engine: its preview is shown first and
    asks for the stack's name. What would lose something for good, e.g. a queue with its
    messages, is refused unless --allow-replace names it.

    Examples: deploy | deploy --dry-run | deploy --only migrations,crons |
    deploy --resume | deploy --stack production --check |
    deploy --stack production --plan plan.json |
    deploy --stack production --apply plan.json

    Exit codes: 0 done; 2 usage; 3 auth; 4 failed, nothing changed; 5 failed half-way,
    run it with --resume; 6 changes, with --check; 7 not verified; 75 locked by another
    deploy; 130 interrupted.
    """
    from deploy.commands import Output
    from deploy.deploying import Request, deploy

    request = Request(
        stack=stack,
        only=only,
        skip=skip,
        start=from_,
        resume=resume,
        dry_run=dry_run,
        check=check,
        yes=yes,
        plan=plan,
        apply=apply,
        allow_replace=allow_replace,
    )
    out = Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(deploy(request, out))


@task(help=SHOWN)
def drift(
    c: Context,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Find what is not as it was deployed: resources, code, jobs; change nothing.

    Examples: drift | drift --evidence | drift --stack production --json

    Exit codes: 0 nothing differs; 3 no rights; 4 a part could not look, or none had
    anything to look at; 6 something differs.
    """
    from deploy.commands import Output
    from deploy.drift import commands

    out = Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(commands.drift(stack, out))


@task(help=SHOWN)
def verify_crons(
    c: Context,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Prove that each scheduled job exists, runs and has its effect; change nothing.

    Examples: verify-crons | verify-crons --evidence | verify-crons --json

    Exit codes: 0 all ran; 7 something is wrong; 8 something was not due yet.
    """
    from deploy import commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(commands.verify_crons(stack, out))
