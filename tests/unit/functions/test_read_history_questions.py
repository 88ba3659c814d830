"""The query of a request for a page: strict, and cursors that survive their way."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.read_history.questions import Cursor, Question, decode
from functions.shared.http import HttpError

CHAT = UUID("0b9f0d0e-3a53-4a54-9d5a-0a6c1a6f6f10")
CURSOR = Cursor(datetime(2025, 11, 1, 12, 0, 0, 123_456, tzinfo=UTC), CHAT)

times = st.datetimes(timezones=st.just(UTC))


def test_a_conversation_is_all_that_has_to_be_named():
    assert decode(f"chat_id={CHAT}") == (Question(chat_id=CHAT), None)


def test_every_parameter_is_read():
    query = f"limit=7&account=true&chat_id={CHAT}&before={CURSOR.encode()}"

    question, cursor = decode(query)

    assert (question.limit, question.account, cursor) == (7, True, CURSOR)


@given(times, st.uuids())
def test_a_cursor_comes_back_as_it_was(created_at, message_id):
    cursor = Cursor(created_at, message_id)
    text = cursor.encode()

    assert Cursor.decode(text) == cursor
    assert decode(f"chat_id={CHAT}&before={text}")[1] == cursor


@pytest.mark.parametrize("text", ["f" + "_" * 31, "g" + "A" * 31, "A" * 32, "_" * 32])
def test_a_cursor_that_nobody_was_given_is_some_moment(text):
    assert 1 <= Cursor.decode(text).created_at.year <= 9999


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("", "missing required field `chat_id`"),
        ("chat_id=", "Invalid UUID - at `$.chat_id`"),
        ("chat_id=one", "Invalid UUID - at `$.chat_id`"),
        (f"chat_id={CHAT}&chat_id={CHAT}", "a parameter is repeated"),
        (f"chat_id={CHAT}&unknown=1", "unknown field `unknown`"),
        (f"chat_id={CHAT}&limit=0", ">= 1 - at `$.limit`"),
        (f"chat_id={CHAT}&limit=-1", ">= 1 - at `$.limit`"),
        (f"chat_id={CHAT}&limit=101", "<= 100 - at `$.limit`"),
        (f"chat_id={CHAT}&limit=ten", "Expected `int`, got `str` - at `$.limit`"),
        (f"chat_id={CHAT}&limit=1.0", "Expected `int`, got `str` - at `$.limit`"),
        (f"chat_id={CHAT}&limit=", "Expected `int`, got `str` - at `$.limit`"),
        (f"chat_id={CHAT}&limit=%D9%A1", "Expected `int`, got `str` - at `$.limit`"),
        (f"chat_id={CHAT}&limit={'9' * 5_000}", "got `str` - at `$.limit`"),
        (f"chat_id={CHAT}&before=", "at `$.before`"),
        (f"chat_id={CHAT}&before=null", "at `$.before`"),
        (f"chat_id={CHAT}&before={'A' * 33}", "at `$.before`"),
        (f"chat_id={CHAT}&before={'A' * 32}%0A", "at `$.before`"),
        (f"chat_id={CHAT}&account=1", "Expected `bool`, got `str` - at `$.account`"),
        (f"chat_id={CHAT}&account", "the query is not of the form"),
        (f"chat_id={CHAT}&%FF=1", "the query is not of the form"),
        (f"chat_id={CHAT}" + "&a=1" * 20, "the query is not of the form"),
    ],
)
def test_a_query_that_is_not_the_documented_one_is_refused(query, detail):
    with pytest.raises(HttpError) as caught:
        decode(query)

    assert (caught.value.status, caught.value.title) == (400, "Invalid parameter")
    assert detail in caught.value.detail


@given(st.text(max_size=80))
def test_any_text_is_refused_like_any_other(text):
    with pytest.raises(HttpError) as caught:
        decode(text)

    assert caught.value.status == 400
