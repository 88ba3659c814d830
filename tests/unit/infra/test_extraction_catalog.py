"""The policies that a stack may choose are those that the functions know."""

import yaml

from deploy.paths import REPOSITORY
from functions.shared import extraction_policy
from infra.catalog.extraction import DEFAULT_POLICY, POLICIES


def test_catalog_and_functions_know_the_same_policies():
    assert POLICIES == extraction_policy.POLICIES


def test_the_default_of_the_catalog_is_that_of_new_stacks():
    declared = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())
    example = yaml.safe_load(
        (REPOSITORY / "Pulumi.production.example.yaml").read_text()
    )

    assert declared["config"]["extractionPolicy"]["default"] == DEFAULT_POLICY
    assert example["config"]["kiloscale:extractionPolicy"] == DEFAULT_POLICY
