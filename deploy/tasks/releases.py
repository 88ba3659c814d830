"""The tasks of releases: rollback, the list of versions, and their end."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help=SHOWN
    | {
        "service": "Name of a service, or all for a whole release.",
        "to": "Version of the service, or number of the release; 0 is the one before.",
        "force": "Go back although a migration stands in the way, or is unknown.",
        "dry_run": "Show what would move and what stands in the way; change nothing.",
        "yes": "Do not ask before changing a cloud stack.",
    }
)
def rollback(
    c: Context,
    service: str = "",
    to: int = 0,
    stack: str = "local",
    force: bool = False,
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Point a service, or all, at the version before; in seconds, without a build.

    Examples: rollback --service chat-send | rollback --service all --dry-run |
    rollback --service chat-send --to 3 --stack production

    Exit codes: 0 done; 2 usage; 3 auth; 4 refused or failed, nothing changed; 5 failed
    half-way; 7 moved, and a service does not answer; 75 somebody deploys.
    """
    from deploy import release_commands
    from deploy.commands import Output
    from deploy.releases.rollback import Wish

    wish = Wish(service=service, to=to or None, force=force)
    out = Output(as_json=json, evidence=evidence, debug=debug)
    code = release_commands.rollback(stack, wish, out, dry_run=dry_run, yes=yes)
    raise SystemExit(code)


@task(
    name="list", help=SHOWN | {"service": "Only this service, with all its versions."}
)
def listed(
    c: Context,
    service: str = "",
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """List the versions of each service: when, commit, size, live or not.

    Examples: releases | releases --service chat-send | releases --json

    Exit codes: 0 done; 2 usage; 3 auth; 4 the account does not answer.
    """
    from deploy import release_commands
    from deploy.commands import Output

    out = Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(release_commands.releases(stack, service, out))


@task(
    help=SHOWN
    | {
        "keep": "How many versions a service keep besides the live one; 1 or more.",
        "dry_run": "Show what would be deleted; change nothing.",
        "yes": "Do not ask before changing a cloud stack.",
    }
)
def prune(
    c: Context,
    keep: int = 10,
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Delete old versions of the services; this cannot be undone.

    Examples: releases.prune --dry-run | releases.prune --keep 5 --stack production

    Exit codes: 0 done; 2 usage; 3 auth; 4 failed; 5 failed half-way; 75 somebody
    deploys.
    """
    from deploy import release_commands
    from deploy.commands import Output

    out = Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(release_commands.prune(stack, keep, out, dry_run=dry_run, yes=yes))
