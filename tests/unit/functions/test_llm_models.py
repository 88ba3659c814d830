"""Choosing a provider, retrying it, falling back: within the time that is left."""

import pytest

from functions.shared.environment import Environment
from functions.shared.prompts import Prompt, Turn
from functions.shared.providers.breaker import FAILURES_MAX
from functions.shared.providers.interface import (
    Completion,
    ProviderError,
    status_error,
)
from functions.shared.providers.keys import ModelKeys
from functions.shared.providers.models import Models, models, read_config

PROMPT = Prompt("Be brief.", (Turn("user", "Tea?"),))
BUSY = ProviderError("503 busy", is_transient=True)
WRONG = ProviderError("400 wrong", is_transient=False)
ANSWER = Completion(text="Yes.", model="m")


class Scripted:
    """Answers or fails in the order of its script; each call takes some seconds."""

    def __init__(self, script: list, clock: "Clock", call_s: float = 1.0) -> None:
        self.script = script
        self.clock = clock
        self.call_s = call_s
        self.timeouts: list[float] = []

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        self.timeouts.append(timeout_s)
        self.clock.now += min(self.call_s, timeout_s)
        outcome = self.script.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Clock:
    """Time that passes when somebody sleeps or calls."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def ask(config: dict, budget_s: float = 50.0, call_s: float = 1.0, **scripts: list):
    clock = Clock()
    providers = {
        name: Scripted(script, clock, call_s) for name, script in scripts.items()
    }
    openers = {name: lambda made=made: made for name, made in providers.items()}
    chosen = Models(openers, sleep=clock.sleep, clock=clock)
    try:
        outcome = chosen.complete(read_config(config), PROMPT, budget_s)
    except ProviderError as error:
        outcome = error
    return outcome, providers, clock.now


GEMINI = {"provider": "gemini", "model": "g"}
BOTH = GEMINI | {"fallback": {"provider": "openai", "model": "o"}}


def test_without_a_configuration_gemini_answers():
    config = read_config(None)

    assert (config.provider, config.fallback) == ("gemini", None)


def test_a_passing_failure_is_tried_again():
    outcome, providers, _ = ask(GEMINI, gemini=[BUSY, BUSY, ANSWER])

    assert outcome == ANSWER
    assert len(providers["gemini"].timeouts) == 3


def test_the_attempts_are_bounded():
    outcome, _, _ = ask(GEMINI, gemini=[BUSY, BUSY, BUSY])

    assert outcome.reason == "gemini g: 503 busy"
    assert outcome.is_transient


def test_a_refusal_is_not_tried_again():
    outcome, providers, _ = ask(GEMINI, gemini=[WRONG])

    assert (outcome.reason, outcome.is_transient) == ("gemini g: 400 wrong", False)
    assert len(providers["gemini"].timeouts) == 1


def test_the_fallback_answers_after_a_refusal_of_the_first():
    outcome, _, _ = ask(BOTH, gemini=[WRONG], openai=[ANSWER])

    assert (outcome.text, outcome.is_fallback) == (ANSWER.text, True)


def test_two_failures_have_both_reasons():
    outcome, _, _ = ask(BOTH, gemini=[WRONG], openai=[WRONG])

    assert outcome.reason == "gemini g: 400 wrong; fallback openai o: 400 wrong"


def test_a_slow_first_provider_leaves_time_for_the_fallback():
    outcome, providers, now = ask(
        BOTH, budget_s=50, call_s=60, gemini=[BUSY] * 3, openai=[BUSY] * 3
    )

    assert isinstance(outcome, ProviderError)
    assert sum(providers["gemini"].timeouts) <= 30
    assert providers["openai"].timeouts[0] >= 18
    assert now <= 50


def test_a_provider_that_says_when_is_not_asked_before():
    busy = ProviderError("429", is_transient=True, retry_after_s=7)

    outcome, _, now = ask(GEMINI, gemini=[busy, ANSWER])

    assert outcome == ANSWER
    assert 9 <= now < 10


def test_a_provider_that_says_too_late_leaves_the_time_to_the_fallback():
    busy = ProviderError("429", is_transient=True, retry_after_s=60)

    outcome, providers, now = ask(BOTH, gemini=[busy], openai=[ANSWER])

    assert outcome.is_fallback
    assert len(providers["gemini"].timeouts) == 1
    assert now == 2.0


def test_with_every_model_left_alone_the_error_passes_and_no_time_is_lost():
    clock = Clock()
    made = Scripted([BUSY] * FAILURES_MAX, clock)
    chosen = Models(
        {"gemini": lambda: made, "openai": lambda: made},
        sleep=clock.sleep,
        clock=clock,
    )
    for _ in range(2):
        with pytest.raises(ProviderError):
            chosen.complete(read_config(GEMINI), PROMPT, 50.0)
    before = clock.now

    with pytest.raises(ProviderError) as caught:
        chosen.complete(read_config(GEMINI), PROMPT, 50.0)

    assert caught.value.reason == "gemini g: left alone for a while"
    assert caught.value.is_transient
    assert clock.now == before


def test_a_refusal_opens_nothing():
    clock = Clock()
    made = Scripted([WRONG] * 20 + [ANSWER], clock)
    chosen = Models({"gemini": lambda: made}, sleep=clock.sleep, clock=clock)
    for _ in range(20):
        with pytest.raises(ProviderError):
            chosen.complete(read_config(GEMINI), PROMPT, 50.0)

    assert chosen.complete(read_config(GEMINI), PROMPT, 50.0) == ANSWER


def test_no_call_is_begun_without_time_for_it():
    outcome, providers, _ = ask(GEMINI, budget_s=1.0, gemini=[ANSWER])

    assert outcome.reason == "gemini g: no time left"
    assert providers["gemini"].timeouts == []


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"provider": "acme", "model": "m"}, "$.provider"),
        ({"provider": "openai", "model": ""}, "$.model"),
        ({"provider": "openai"}, "model"),
        (BOTH | {"fallback": {"provider": "openai"}}, "$.fallback"),
        (GEMINI | {"input_usd": -1}, "$.input_usd"),
        (GEMINI | {"budget_text": ""}, "$.budget_text"),
    ],
)
def test_a_wrong_configuration_names_the_field(value, field):
    with pytest.raises(ProviderError) as caught:
        read_config(value)

    assert not caught.value.is_transient
    assert field in caught.value.reason


@pytest.mark.parametrize(
    ("status", "is_transient"),
    [(408, True), (429, True), (500, True), (529, True), (400, False), (401, False)],
)
def test_a_status_passes_or_stays(status, is_transient):
    assert status_error(status, "X").is_transient is is_transient


def test_a_provider_without_a_key_is_not_opened():
    chosen = models(ModelKeys.read(Environment({})))

    with pytest.raises(ProviderError) as caught:
        chosen.complete(read_config(None), PROMPT, 50.0)

    assert caught.value.reason == ("gemini gemini-2.5-flash: GEMINI_API_KEY is not set")
