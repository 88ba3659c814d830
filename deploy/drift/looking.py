"""All parts of the comparison, one after the other: one that fails stops no other."""

from collections.abc import Callable, Iterator, Sequence

from deploy.checklist import Result, Status, failure
from deploy.deployment import Deployment
from deploy.drift import jobs, resources, versions
from deploy.drift.findings import skipped
from deploy.drift.seams import counted
from deploy.errors import AuthError, DeployError, ExitCode

Part = Callable[[Deployment], Iterator[Result]]


def secrets(deployment: Deployment) -> Iterator[Result]:
    """Compare secrets by digest."""
    if deployment.is_local:
        told = "on local the functions' environments hold them, and are compared"
        yield from skipped("secrets", told)
        return
    from deploy import secret_commands

    yield from counted(secret_commands.looked(deployment))


def cdn(deployment: Deployment) -> Iterator[Result]:
    """Compare the rules at the edge."""
    if deployment.is_local:
        told = "the local edge is started anew where its rules differ"
        yield from skipped("cdn", told, "./bootstrap cdn.verify")
        return
    from deploy.cdn import drift

    yield from counted(drift.drift(deployment))


PARTS: tuple[tuple[str, Part], ...] = (
    (resources.PART, resources.look),
    (versions.PART, versions.look),
    (jobs.PART, jobs.look),
    ("secrets", secrets),
    ("cdn", cdn),
)


class Looking:
    """One run over all parts.

    Attributes:
        errors: What parts failed with.
    """

    def __init__(self, parts: Sequence[tuple[str, Part]] = PARTS) -> None:
        self._parts = parts
        self.errors: list[DeployError] = []

    def run(self, deployment: Deployment) -> Iterator[Result]:
        """Yield what each part finds."""
        for name, part in self._parts:
            deployment.progress(f"comparing {name}")
            try:
                yield from part(deployment)
            except DeployError as error:
                self.errors.append(error)
                yield failure(name, error)

    def judge(self, results: Sequence[Result], code: ExitCode) -> ExitCode:
        """Give the exit code: what could not be looked at outweighs what differs.

        Where every part is skipped nobody has looked, which is no answer either.
        """
        if any(isinstance(error, AuthError) for error in self.errors):
            return ExitCode.AUTH
        if self.errors:
            return self.errors[0].exit_code
        if all(result.status is Status.SKIPPED for result in results):
            return ExitCode.FAILED
        if code is ExitCode.DONE and any(result.planned for result in results):
            return ExitCode.CHANGES
        return code
