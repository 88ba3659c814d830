"""A stack as the Pulumi engine sees it: opened, previewed, updated, read."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pulumi.automation import Deployment as State
from pulumi.automation import LocalWorkspace, Stack
from pulumi.automation.errors import CommandError

from deploy.deployment import Deployment
from deploy.engine.cli import Cli, find
from deploy.engine.failures import NOTHING, explain
from deploy.engine.watch import Watch
from deploy.paths import REPOSITORY


class _Workspace(LocalWorkspace):
    """The repository as a workspace; selects no stack and decrypts no state."""

    def select_stack(self, stack_name: str) -> None:
        """Look the stack up; leave the one that the user selected as it is.

        Who had selected ``staging`` would else type ``pulumi up`` into production.
        """
        self._run_pulumi_cmd_sync(["stack", "--stack", stack_name])

    def export_stack(self, stack_name: str) -> State:
        """Give the stack's state with its secrets encrypted: nobody reads them here."""
        done = self._run_pulumi_cmd_sync(["stack", "export", "--stack", stack_name])
        state = json.loads(done.stdout)
        return State(version=state["version"], deployment=state["deployment"] or {})


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A stack, opened.

    Attributes:
        stack: The Automation API's stack.
        cli: What runs it.
        backend: URL of the backend that holds its state.
        user: Who is logged in there.
    """

    stack: Stack
    cli: Cli
    backend: str
    user: str

    def facts(self) -> dict[str, object]:
        """Give what a receipt says of the engine."""
        return {
            "pulumi": str(self.cli.version),
            "backend": self.backend,
            "user": self.user,
        }


def open_stack(deployment: Deployment) -> Engine:
    """Find the CLI, ask who is logged in, and look the stack up.

    Raises:
        DeployError: The CLI is missing, nobody is logged in, the backend has no such
            stack, or its secrets cannot be read.
    """
    # An update that was ended at once breaks its stream of events off; the result says
    # so already.
    warnings.filterwarnings("ignore", "Error in event stream")
    deployment.progress("asking the Pulumi backend for the stack")
    cli = find()
    cli.say = deployment.progress
    with explained(deployment):
        workspace = _Workspace(work_dir=str(REPOSITORY), pulumi_command=cli)
        who = workspace.who_am_i()
        stack = Stack.select(deployment.stack, workspace)
    return Engine(stack=stack, cli=cli, backend=who.url or "unknown", user=who.user)


def outputs(engine: Engine) -> dict[str, Any]:
    """Give the stack's outputs that are no secrets."""
    found = engine.stack.outputs()
    return {name: each.value for name, each in found.items() if not each.secret}


def exported(deployment: Deployment, engine: Engine) -> dict[str, Any]:
    """Give the stack's state as the backend has it, its secrets encrypted.

    Raises:
        DeployError: The backend refuses.
    """
    with explained(deployment):
        return dict(engine.stack.export_stack().deployment or {})


@contextmanager
def explained(deployment: Deployment, watch: Watch | None = None) -> Iterator[None]:
    """Turn what the CLI complains of into errors that say what to do.

    Args:
        deployment: The stack.
        watch: What the engine's events told meanwhile.
    """
    try:
        yield
    except CommandError as error:
        told = "\n".join(text for _, text in watch.errors) if watch else ""
        raise explain(str(error), deployment.stack, NOTHING, told=told) from error
