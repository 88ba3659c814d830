"""Log lines: JSON, with the request id, and without anybody's words."""

import json
import logging

import psycopg

from functions.shared.logging import JsonFormatter, describe, request_id

SECRET_TEXT = "my secret diary"


def line(message: str, **extra: object) -> dict:
    record = logging.LogRecord("functions.x", logging.INFO, "", 1, message, (), None)
    record.fields = extra
    return json.loads(JsonFormatter("chat_send").format(record))


def test_a_line_is_one_json_object_with_service_and_request_id():
    token = request_id.set("request-1")
    try:
        written = line("message accepted", message_id="m-1")
    finally:
        request_id.reset(token)

    assert written["service"] == "chat_send"
    assert (written["level"], written["message"]) == ("INFO", "message accepted")
    assert (written["request_id"], written["message_id"]) == ("request-1", "m-1")
    assert written["time"].endswith("Z")


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_an_exception_is_described_by_type_and_place_and_not_by_its_text():
    described = describe(raised(ValueError(SECRET_TEXT)))

    assert described["type"] == "builtins.ValueError"
    assert described["where"][-1].endswith(" raised")
    assert SECRET_TEXT not in json.dumps(described)


def test_an_error_about_a_row_has_its_code_and_not_its_text():
    described = describe(raised(psycopg.errors.CheckViolation(SECRET_TEXT)))

    assert described["sqlstate"] == "23514"
    assert SECRET_TEXT not in json.dumps(described)


def test_an_error_about_the_server_keeps_its_text():
    described = describe(raised(psycopg.OperationalError("connection refused")))

    assert described["text"] == "connection refused"
