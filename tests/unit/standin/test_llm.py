import json
import time

import pytest

OPENAI = "/llm/v1/chat/completions"
HEADERS = {"authorization": "Bearer any"}


def _openai(http, model="gpt-x", text="hello", **headers):
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "..."},
        {"role": "user", "content": [{"type": "text", "text": text}]},
    ]
    body = {"model": model, "messages": messages}
    return http.post(OPENAI, json=body, headers=HEADERS | headers)


def _gemini(http, model="gemini-x", text="hello", **headers):
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "first"}]},
            {"role": "model", "parts": [{"text": "..."}]},
            {"role": "user", "parts": [{"text": text}]},
        ]
    }
    url = f"/llm/gemini/v1beta/models/{model}:generateContent"
    return http.post(url, json=body, headers={"x-goog-api-key": "any"} | headers)


def test_openai_echoes_the_last_user_message(http):
    body = _openai(http).json()

    assert body["choices"][0]["message"]["content"] == "You said: hello"
    assert body["usage"]["total_tokens"] == (
        body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    )


def test_gemini_echoes_the_last_user_message(http):
    body = _gemini(http).json()

    content = body["candidates"][0]["content"]
    assert content == {"role": "model", "parts": [{"text": "You said: hello"}]}
    assert body["usageMetadata"]["candidatesTokenCount"] > 0


@pytest.mark.parametrize("ask", [_openai, _gemini])
@pytest.mark.parametrize("status", [429, 500])
def test_a_model_name_chooses_an_error(http, ask, status):
    assert ask(http, f"standin-{status}").status_code == status


@pytest.mark.parametrize("ask", [_openai, _gemini])
def test_a_header_chooses_an_error(http, ask):
    assert ask(http, **{"x-standin-fault": "429"}).status_code == 429


@pytest.mark.parametrize("ask", [_openai, _gemini])
def test_a_fault_is_for_its_own_request_only(http, ask):
    ask(http, "standin-500")

    assert ask(http).status_code == 200


@pytest.mark.parametrize("ask", [_openai, _gemini])
def test_garbage_is_not_json(http, ask):
    answer = ask(http, "standin-garbage")

    assert answer.status_code == 200
    assert answer.text.startswith("<html>")


def test_an_empty_answer_has_the_right_form(http):
    openai = _openai(http, "standin-empty").json()["choices"][0]
    gemini = _gemini(http, "standin-empty").json()["candidates"][0]

    assert openai["message"]["content"] == ""
    assert gemini["content"]["parts"] == []


@pytest.mark.parametrize("ask", [_openai, _gemini])
def test_a_slow_model_answers_late(http, ask):
    started = time.monotonic()
    answer = ask(http, "standin-slow-150")

    assert answer.status_code == 200
    assert time.monotonic() - started >= 0.15


@pytest.mark.parametrize("ask", [_openai, _gemini])
def test_an_unknown_fault_is_not_an_echo(http, ask):
    assert ask(http, "standin-typo").status_code == 404


def test_a_key_is_required(http):
    openai = http.post(OPENAI, json={})
    gemini = http.post("/llm/gemini/v1beta/models/m:generateContent", json={})

    assert (openai.status_code, gemini.status_code) == (401, 403)


@pytest.mark.parametrize("body", [b"{", b"{}", b'{"model": "m", "messages": [1]}'])
def test_a_malformed_completion_is_refused(http, body):
    assert http.post(OPENAI, content=body, headers=HEADERS).status_code == 400


ASK_FOR_MEMORIES = 'Answer with JSON: [{"memory_text": ...}]'
CONVERSATION = (
    "[-] user: Hello.\n[1] user: I have a cat.\n[2] assistant: Nice.\n"
    "[3] user: And a dog."
)
MEMORIES = [
    {
        "source": number,
        "memory_text": f"Said: {said}",
        "memory_type": "fact",
        "confidence": 0.9,
        "value": 0.9,
        "horizon_days": 365,
    }
    for number, said in ((1, "I have a cat."), (3, "And a dog."))
]


def test_openai_answers_instructions_that_ask_for_memories_with_json(http):
    messages = [
        {"role": "system", "content": ASK_FOR_MEMORIES},
        {"role": "user", "content": CONVERSATION},
    ]
    body = {"model": "m", "messages": messages}

    answer = http.post(OPENAI, json=body, headers=HEADERS).json()

    assert json.loads(answer["choices"][0]["message"]["content"]) == MEMORIES


def test_gemini_answers_instructions_that_ask_for_memories_with_json(http):
    body = {
        "systemInstruction": {"parts": [{"text": ASK_FOR_MEMORIES}]},
        "contents": [{"role": "user", "parts": [{"text": CONVERSATION}]}],
    }
    url = "/llm/gemini/v1beta/models/m:generateContent"

    answer = http.post(url, json=body, headers={"x-goog-api-key": "any"}).json()

    [part] = answer["candidates"][0]["content"]["parts"]
    assert json.loads(part["text"]) == MEMORIES
