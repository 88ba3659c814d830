"""When a conversation is read for memories: the names of the policies."""

POLICIES = ("gathered", "debounced", "sampled", "every-turn")
"""Known to `functions.shared.extraction_policy`; a test holds the two equal."""

DEFAULT_POLICY = "sampled"
