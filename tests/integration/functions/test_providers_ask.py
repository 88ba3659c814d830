"""The two SDKs over HTTP, against the stand-in and its faults."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from functions.shared.prompts import Prompt, Turn
from functions.shared.providers.gemini import Gemini
from functions.shared.providers.interface import (
    OUTPUT_TOKENS_MAX,
    Provider,
    ProviderError,
)
from functions.shared.providers.models import Models, read_config
from functions.shared.providers.openai_compatible import OpenAiCompatible
from functions.shared.realtime import Broadcaster, BroadcastError

pytestmark = pytest.mark.integration

PROMPT = Prompt(
    "Be brief.", (Turn("user", "Hi"), Turn("assistant", "Yes?"), Turn("user", "Tea?"))
)


def provider(name: str, standin: Any) -> Provider:
    if name == "gemini":
        return Gemini("key", f"{standin.url}/llm/gemini")
    return OpenAiCompatible("key", f"{standin.url}/llm/v1")


@pytest.fixture(params=["gemini", "openai"])
def asked(request: pytest.FixtureRequest, standin: Any) -> Provider:
    return provider(request.param, standin)


def test_the_answer_is_to_the_last_turn_and_counts_tokens(asked):
    completion = asked.complete("small", PROMPT, 5.0)

    assert completion.text == "You said: Tea?"
    assert completion.model == "small"
    assert completion.input_tokens
    assert completion.output_tokens


@pytest.mark.parametrize("fault", ["429", "500", "garbage", "empty", "slow-3000"])
def test_a_passing_fault_may_be_tried_again(asked, fault):
    started = time.monotonic()

    with pytest.raises(ProviderError) as caught:
        asked.complete(f"standin-{fault}", PROMPT, 0.5)

    assert caught.value.is_transient
    assert time.monotonic() - started < 2.5


def test_a_refusal_is_final_and_its_reason_names_the_status(asked):
    with pytest.raises(ProviderError) as caught:
        asked.complete("standin-nonsense", PROMPT, 5.0)

    assert not caught.value.is_transient
    assert caught.value.reason.startswith("404 ")


def test_a_server_that_is_away_may_be_back(standin):
    nobody = OpenAiCompatible("key", "http://127.0.0.1:9/v1")

    with pytest.raises(ProviderError) as caught:
        nobody.complete("small", PROMPT, 2.0)

    assert caught.value.is_transient


class Dripping(BaseHTTPRequestHandler):
    """Sends a blank now and then, as gateways do while a model thinks."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "40")
        self.end_headers()
        for _ in range(40):
            time.sleep(0.05)
            try:
                self.wfile.write(b" ")
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        pass


class Busy(BaseHTTPRequestHandler):
    """Refuses each request for a while, and remembers what it asked for."""

    seen: list[dict]
    answer_headers: dict[str, str]
    answer: dict

    def do_POST(self) -> None:
        self.seen.append(
            json.loads(self.rfile.read(int(self.headers["content-length"])))
        )
        body = json.dumps(self.answer).encode()
        self.send_response(429)
        for name, value in self.answer_headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(handler: Any) -> Iterator[str]:
    """Serve on a free port; give the URL."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def busy() -> Iterator[Any]:
    """A server that is busy, with its URL."""
    handler = type("Handler", (Busy,), {"seen": [], "answer_headers": {}, "answer": {}})
    with serving(handler) as handler.url:
        yield handler


@pytest.mark.parametrize("opened", [Gemini, OpenAiCompatible])
def test_an_answer_that_drips_ends_in_time(opened):
    with serving(Dripping) as url:
        asked = opened("key", url)
        started = time.monotonic()
        with pytest.raises(ProviderError) as caught:
            asked.complete("m", PROMPT, 0.3)
        took_s = time.monotonic() - started

    assert caught.value.is_transient
    assert took_s < 1.5


def test_openai_s_calls_are_bounded_and_its_retry_after_is_read(busy):
    busy.answer_headers = {"Retry-After": "7"}

    with pytest.raises(ProviderError) as caught:
        OpenAiCompatible("key", busy.url).complete("m", PROMPT, 5.0)

    assert (caught.value.reason, caught.value.retry_after_s) == (
        "429 RateLimitError",
        7.0,
    )
    assert [body["max_tokens"] for body in busy.seen] == [OUTPUT_TOKENS_MAX]


def test_gemini_s_calls_are_bounded_and_its_retry_info_is_read(busy):
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
    busy.answer = {
        "error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [info]}
    }

    for model in ("gemini-2.5-flash", "gemini-2.0-flash"):
        with pytest.raises(ProviderError) as caught:
            Gemini("key", busy.url).complete(model, PROMPT, 5.0)

    assert (caught.value.reason, caught.value.retry_after_s) == (
        "429 ClientError",
        34.0,
    )
    options = [body["generationConfig"] for body in busy.seen]
    assert [each["maxOutputTokens"] for each in options] == [OUTPUT_TOKENS_MAX] * 2
    thinking = [list(each.get("thinkingConfig", {}).values()) for each in options]
    assert thinking == [[1_024], []]


def test_the_other_provider_answers_when_the_first_does_not(standin):
    models = Models(
        {
            name: lambda name=name: provider(name, standin)
            for name in ("gemini", "openai")
        },
        sleep=lambda _: None,
    )
    config = read_config(
        {
            "provider": "gemini",
            "model": "standin-500",
            "fallback": {"provider": "openai", "model": "spare"},
        }
    )

    completion = models.complete(config, PROMPT, 20.0)

    assert (completion.model, completion.text) == ("spare", "You said: Tea?")


def test_a_broadcast_arrives_on_the_private_topic(standin):
    event = {"topic": "user-realtime:1", "event": "message", "payload": {"a": 1}}

    Broadcaster(standin.url, standin.service_role_key).send([event])

    url = f"{standin.url}/realtime/v1/_sent?topic=user-realtime:1"
    [sent] = httpx.get(url, trust_env=False).json()["messages"]
    assert {name: sent[name] for name in (*event, "private")} == event | {
        "private": True
    }


def test_a_malformed_event_is_a_permanent_refusal_and_a_wrong_key_is_not(standin):
    with pytest.raises(BroadcastError) as malformed:
        Broadcaster(standin.url, standin.service_role_key).send([{"topic": "t"}])
    with pytest.raises(BroadcastError) as wrong_key:
        Broadcaster(standin.url, "no-key").send([])

    assert (malformed.value.reason, malformed.value.is_permanent) == (
        "realtime: 422",
        True,
    )
    assert (wrong_key.value.reason, wrong_key.value.is_permanent) == (
        "realtime: 401",
        False,
    )


def test_a_realtime_that_is_away_may_be_back():
    with pytest.raises(BroadcastError) as caught:
        Broadcaster("http://127.0.0.1:9", "key").send([])

    assert caught.value.reason == "realtime: ConnectionRefusedError"
    assert not caught.value.is_permanent
