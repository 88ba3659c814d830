"""When a conversation is read for memories: the names of the policies."""

POLICIES = ("gathered", "debounced", "sampled", "every-turn")
"""Known to `functions.shared.extraction_policy`; a test holds the two equal."""

DEFAULT_POLICY = "gathered"
"""The best measured one (docs/policy-lab.md); the plan's own is ``sampled``."""
