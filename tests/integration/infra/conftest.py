"""What the tests of the policy pack share."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Leave out a warning that pulumi_aws raises against itself at import."""
    config.addinivalue_line(
        "filterwarnings", "ignore:aws.lambda/microvmsimage:DeprecationWarning"
    )
