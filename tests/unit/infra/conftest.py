"""Fixtures that run the program, or a part of it, under mocks."""

from collections.abc import Callable
from typing import Any

import pytest
from infra_recording import record

from deploy.planning.recording import whole_program
from infra.policies.resources import Registered, Resources


def pytest_configure(config: pytest.Config) -> None:
    """Leave out a warning that pulumi_aws raises against itself at import."""
    config.addinivalue_line(
        "filterwarnings", "ignore:aws.lambda/microvmsimage:DeprecationWarning"
    )
    # pulumi_cloudflare does so for some 35 resources that it renamed.
    config.addinivalue_line(
        "filterwarnings", r"ignore:cloudflare\.index/:DeprecationWarning"
    )


@pytest.fixture(scope="session")
def stack() -> tuple[Resources, dict[str, Any]]:
    """The resources and the outputs of an update."""
    return record(whole_program)


@pytest.fixture(scope="session")
def preview() -> Resources:
    """The resources of a first preview, where no ARN is known yet."""
    return record(whole_program, preview=True)[0]


@pytest.fixture
def provision() -> Callable[..., dict[tuple[str, str], Registered]]:
    """Run a part of a program; give its resources by type and name."""

    def run(declare: Callable[[], Any]) -> dict[tuple[str, str], Registered]:
        def program() -> dict[str, Any]:
            declare()
            return {}

        return {(each.type, each.name): each for each in record(program)[0]}

    return run
