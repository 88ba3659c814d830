"""The body of a chat message: what is taken, what is refused and how it is named."""

import json
from uuid import UUID

import pytest

from functions.chat_send.messages import NewMessage, VoiceBatch, decode
from functions.shared.http import HttpError

CHAT = "0b9f0d0e-3a53-4a54-9d5a-0a6c1a6f6f10"
MESSAGE = "5f4dcc3b-5aa7-45d6-8d83-27deb882cf99"
FIELDS = {"chat_id": CHAT, "text": "Hello.", "client_msg_id": MESSAGE}


def body(**changes: object) -> bytes:
    fields = {name: value for name, value in (FIELDS | changes).items() if value != ...}
    return json.dumps(fields).encode()


def test_a_message_is_decoded():
    message = decode(body(mode="therapy"))

    assert isinstance(message, NewMessage)
    assert message.role == "user"
    assert (message.chat_id, message.client_msg_id) == (UUID(CHAT), UUID(MESSAGE))
    assert (message.text, message.mode, message.analyze) == ("Hello.", "therapy", False)


@pytest.mark.parametrize("text", ["x", "é" * 8_000, "😀" * 8_000])
def test_up_to_8000_characters_are_taken_however_they_are_written(text):
    assert decode(body(text=text)).text == text


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"chat_id": ...}, "missing required field `chat_id`"),
        ({"client_msg_id": ...}, "missing required field `client_msg_id`"),
        ({"text": ...}, "missing required field `text`"),
        ({"chat_id": "1"}, "Invalid UUID - at `$.chat_id`"),
        ({"client_msg_id": 7}, "Expected `uuid`, got `int` - at `$.client_msg_id`"),
        ({"text": ""}, "Expected `str` of length >= 1 - at `$.text`"),
        ({"text": "x" * 8_001}, "Expected `str` of length <= 8000 - at `$.text`"),
        ({"text": " \n\t"}, "blank - at `$.text`"),
        ({"text": "a\0b"}, "NUL character - at `$.text`"),
        ({"mode": ""}, "Expected `str` of length >= 1 - at `$.mode`"),
        ({"mode": "a\0"}, "NUL character - at `$.mode`"),
        ({"role": "system"}, "- at `$.role`"),
        ({"colour": "red"}, "unknown field `colour`"),
    ],
)
def test_an_invalid_field_is_named_and_its_value_is_not(changes, detail):
    with pytest.raises(HttpError) as caught:
        decode(body(**changes))

    assert (caught.value.status, caught.value.title) == (400, "Invalid field")
    assert detail in caught.value.detail


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b'{"chat_id": 7',
        b"\xff\xfe",
        b'{"text": "\xed\xa0\x80"}',
        b'{"text": "\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_is_a_400(raw):
    with pytest.raises(HttpError) as caught:
        decode(raw)

    assert caught.value.status == 400


def test_a_body_over_the_limit_is_a_413_before_it_is_decoded():
    with pytest.raises(HttpError) as caught:
        decode(b"x" * (128 * 1024 + 1))

    assert caught.value.status == 413


def spoken(number: int = 0, **changes: object) -> dict[str, object]:
    fields = {
        "role": "user",
        "text": "Hello.",
        "client_msg_id": f"{MESSAGE[:-2]}{number:02}",
    }
    return {name: v for name, v in (fields | changes).items() if v != ...}


def batch(*messages: object, **changes: object) -> bytes:
    fields = {"chat_id": CHAT, "messages": list(messages)} | changes
    return json.dumps(fields).encode()


def test_a_voice_batch_is_decoded_in_order():
    decoded = decode(
        batch(spoken(1), spoken(2, role="assistant", text="Hi."), mode="voice")
    )

    assert isinstance(decoded, VoiceBatch)
    assert [(each.role, each.text) for each in decoded.messages] == [
        ("user", "Hello."),
        ("assistant", "Hi."),
    ]
    assert (decoded.chat_id, decoded.mode) == (UUID(CHAT), "voice")


def test_a_message_with_the_text_messages_is_no_batch():
    assert isinstance(decode(body(text="messages")), NewMessage)


def test_fifty_messages_are_taken_and_not_one_more():
    assert len(decode(batch(*map(spoken, range(50)))).messages) == 50

    with pytest.raises(HttpError, match="length <= 50"):
        decode(batch(*map(spoken, range(51))))


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (batch(), "length >= 1 - at `$.messages`"),
        (batch(7), "Expected `object`, got `int` - at `$.messages[0]`"),
        (batch(spoken(text=" ")), "blank - at `$.messages[0].text`"),
        (batch(spoken(text="a\0")), "NUL character - at `$.messages[0].text`"),
        (batch(spoken(role="system")), "- at `$.messages[0].role`"),
        (batch(spoken(role=...)), "missing required field `role`"),
        (batch(spoken(text="x" * 8_001)), "length <= 8000"),
        (batch(spoken(), spoken()), "repeated - at `$.messages[1].client_msg_id`"),
        (batch(spoken(), text="Hello."), "unknown field `text`"),
        (batch(spoken(), analyze=True), "unknown field `analyze`"),
        (batch(spoken(), mode="\t"), "blank - at `$.mode`"),
        (batch(spoken(), messages=None), "Expected `array`, got `null`"),
    ],
)
def test_an_invalid_batch_is_refused_by_the_name_of_the_field(raw, detail):
    with pytest.raises(HttpError) as caught:
        decode(raw)

    assert (caught.value.status, caught.value.title) == (400, "Invalid field")
    assert detail in caught.value.detail
    assert "system" not in caught.value.detail
