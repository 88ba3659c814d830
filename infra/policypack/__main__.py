"""Serve the policy pack: ``pulumi preview --policy-pack infra/policypack``."""

from pulumi_policy import EnforcementLevel, PolicyPack

from infra.policypack.policies import NAME, policies

if __name__ == "__main__":
    PolicyPack(NAME, policies=policies(), enforcement_level=EnforcementLevel.MANDATORY)
