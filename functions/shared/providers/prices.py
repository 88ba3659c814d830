"""What an answer of a language model costs."""

from math import ceil

import msgspec

from functions.shared.environment import Environment

ANY = "*"
"""Stands for every model that is not listed."""


class Prices(msgspec.Struct, frozen=True):
    """Prices of models.

    Attributes:
        usd: ``(input, output)`` in USD per million tokens, by the name with which a
            model's own begins; `ANY` must be among them.
    """

    usd: dict[str, tuple[float, float]]

    @classmethod
    def read(cls, environment: Environment) -> "Prices":
        """Read ``LLM_PRICES``: ``{name: [input, output]}`` as JSON."""
        text = environment.text("LLM_PRICES")
        try:
            usd = msgspec.json.decode(text, type=dict[str, tuple[float, float]])
        except msgspec.DecodeError:
            usd = {}
        if ANY not in usd:
            environment.problem(f"LLM_PRICES must be JSON with the name {ANY!r}")
            usd = {ANY: (0.0, 0.0)}
        return cls(usd)

    def of(self, model: str) -> tuple[float, float]:
        """Give the ``(input, output)`` prices of a model, by its longest listed name.

        >>> Prices({"*": (1.0, 2.0), "a": (3.0, 4.0), "a-b": (5.0, 6.0)}).of("a-b-2026")
        (5.0, 6.0)
        """
        listed = [name for name in self.usd if model.startswith(name)]
        return self.usd[max(listed, key=len, default=ANY)]

    def microusd(self, model: str, input_tokens: int, output_tokens: int) -> int:
        """Give the cost of a call in millionths of a USD, rounded up.

        >>> Prices({"*": (1.0, 2.0)}).microusd("any", 1_000, 10)
        1020
        """
        of_input, of_output = self.of(model)
        return ceil(input_tokens * of_input + output_tokens * of_output)
