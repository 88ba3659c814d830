"""Runs the CloudFormation linter in a process of its own, beside everything else.

Its import takes as long as recording the program. Started first and fed last, it costs
next to nothing on a second core.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Self

from deploy.errors import DeployError
from deploy.paths import REPOSITORY
from deploy.planning.cloudformation import LINTED, WITHOUT_SCHEMA, template
from infra.policies.resources import Resources

WORKER = "deploy.planning.lint_worker"
TIMEOUT_S = 120


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the linter said.

    Attributes:
        messages: What is wrong, a line each.
        linted: How many resources it looked at.
        without_schema: Types of AWS that it was not shown, since this package has no
            CloudFormation name for them.
    """

    messages: list[str] = field(default_factory=list)
    linted: int = 0
    without_schema: list[str] = field(default_factory=list)


class Linter:
    """A linter that is getting ready while the program is recorded."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @classmethod
    def start(cls) -> Self:
        """Start it; it imports what it needs and waits."""
        return cls(
            subprocess.Popen(
                [sys.executable, "-m", WORKER],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def findings(self, resources: Resources, region: str) -> Found:
        """Lint resources; to be called once.

        Raises:
            DeployError: The linter failed.
        """
        known = Resources(each for each in resources if each.type in LINTED)
        aws = {each.type for each in resources if each.type.startswith("aws:")}
        request = json.dumps({"region": region, "template": template(known)})
        try:
            answer, errors = self._process.communicate(request, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            self.close()
            raise DeployError(f"cfn-lint did not end within {TIMEOUT_S} s") from error
        if self._process.returncode:
            reason = (errors.strip().splitlines() or ["it said nothing"])[-1]
            raise DeployError(
                f"cfn-lint failed, so nothing is known of its rules: {reason}",
                remedy="./bootstrap --list",
            )
        return Found(
            messages=sorted(json.loads(answer)),
            linted=len(known),
            without_schema=sorted(aws - set(LINTED) - WITHOUT_SCHEMA),
        )

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        # Also closes the pipes.
        self._process.communicate()
