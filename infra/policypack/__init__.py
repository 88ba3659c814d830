"""The rules of `infra.policies` as a policy pack, asked by the Pulumi engine itself."""
