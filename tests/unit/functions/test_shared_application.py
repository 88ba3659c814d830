"""Around every HTTP service: method, path, CORS, errors, the function URL's form."""

import base64
import json

import psycopg
import pytest

from functions.routes import Route
from functions.shared import function_url
from functions.shared.application import Application
from functions.shared.http import HttpError, Request, Response

ROUTE = Route(service="echo", method="POST", path="/functions/v1/echo")
ORIGIN = "https://app.test"


def echo(request: Request) -> Response:
    return Response(status=200, body=request.body)


def ask(respond=echo, method="POST", path=ROUTE.path, **headers: str) -> Response:
    request = Request(
        method=method, path=path, headers=headers, body=b"hi", request_id="id-of-test"
    )
    return Application(ROUTE, respond, (ORIGIN,))(request)


def problem(response: Response) -> dict:
    assert response.headers["content-type"] == "application/problem+json"
    return json.loads(response.body)


def test_the_answer_carries_the_request_id_and_is_not_stored():
    response = ask()

    assert (response.status, response.body) == (200, b"hi")
    assert response.headers["x-request-id"] == "id-of-test"
    assert response.headers["cache-control"] == "no-store"


def test_another_method_is_a_405_that_says_which_are_allowed():
    response = ask(method="GET")

    assert (response.status, response.headers["allow"]) == (405, "POST, OPTIONS")


def test_another_path_is_a_404():
    assert ask(path="/elsewhere").status == 404


def test_an_error_is_a_problem_with_the_request_id():
    def refuse(_: Request) -> Response:
        raise HttpError(429, "Too many", "wait", {"retry-after": "7"})

    response = ask(refuse)

    assert problem(response) == {
        "type": "about:blank",
        "title": "Too many",
        "status": 429,
        "detail": "wait",
        "request_id": "id-of-test",
    }
    assert response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("error", "status"),
    [(psycopg.OperationalError("secret host"), 503), (KeyError("secret"), 500)],
)
def test_an_unexpected_error_tells_the_caller_nothing(error, status):
    def fail(_: Request) -> Response:
        raise error

    response = ask(fail)

    assert (response.status, problem(response)["status"]) == (status, status)
    assert b"secret" not in response.body


def test_an_allowed_origin_is_named_and_may_read_the_limit_headers():
    headers = ask(origin=ORIGIN).headers

    assert headers["access-control-allow-origin"] == ORIGIN
    assert "ratelimit-remaining" in headers["access-control-expose-headers"]
    assert headers["vary"] == "origin"


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "https://app.test.evil", "null"]
)
def test_another_origin_gets_no_cors_header(origin):
    headers = ask(origin=origin).headers

    assert "access-control-allow-origin" not in headers
    assert headers["vary"] == "origin"


def test_an_error_can_be_read_by_an_allowed_origin():
    def refuse(_: Request) -> Response:
        raise HttpError(401, "Unauthorized", "no")

    headers = ask(refuse, origin=ORIGIN).headers

    assert headers["access-control-allow-origin"] == ORIGIN


def test_a_preflight_is_answered_without_the_service():
    response = ask(lambda _: pytest.fail("called"), method="OPTIONS", origin=ORIGIN)

    assert (response.status, response.body) == (204, b"")
    assert response.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert "authorization" in response.headers["access-control-allow-headers"]


def test_a_preflight_from_elsewhere_allows_nothing():
    headers = ask(method="OPTIONS", origin="https://evil.test").headers

    assert not [name for name in headers if name.startswith("access-control")]


def event(**changes: object) -> dict:
    return {
        "rawPath": ROUTE.path,
        "headers": {"X-Request-Id": "trace-1234"},
        "requestContext": {"http": {"method": "POST"}, "requestId": "of-the-url"},
        "body": "hi",
        "isBase64Encoded": False,
    } | changes


def answer(**changes: object) -> dict:
    return function_url.answer(Application(ROUTE, echo), event(**changes))


def test_an_event_of_the_function_url_is_served():
    answered = answer()

    assert (answered["statusCode"], answered["body"]) == (200, "hi")
    assert answered["headers"]["x-request-id"] == "trace-1234"
    assert answered["isBase64Encoded"] is False


def test_a_body_in_base64_is_decoded():
    encoded = base64.b64encode("grüß".encode()).decode()

    assert answer(body=encoded, isBase64Encoded=True)["body"] == "grüß"


def test_a_body_that_is_no_base64_is_a_400():
    assert answer(body="*", isBase64Encoded=True)["statusCode"] == 400


def test_an_event_without_body_and_headers_is_served():
    assert answer(body=None, headers=None)["body"] == ""


def test_the_root_of_the_function_url_is_the_route():
    assert answer(rawPath="/")["statusCode"] == 200
    assert answer(rawPath="/other")["statusCode"] == 404


@pytest.mark.parametrize("given", ["short", "line\nbreak-in-it", "x" * 65])
def test_a_request_id_that_could_do_harm_is_replaced(given):
    answered = answer(headers={"x-request-id": given})

    assert answered["headers"]["x-request-id"] == "of-the-url"
