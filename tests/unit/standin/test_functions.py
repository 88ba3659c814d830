import json

import httpx
import pytest

HOST = "abc.lambda-url.eu-central-1.on.aws"


@pytest.fixture
def forwarded(app, http, stack):
    """The requests that reach the emulator, which answers each with a cookie."""
    seen = []

    def answer(request):
        seen.append(request)
        cookies = [("set-cookie", "a=1"), ("set-cookie", "b=2")]
        return httpx.Response(201, headers=cookies, json={"id": 7})

    app.state.client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    (stack.state / "functions.json").write_text(
        json.dumps({"chat-send": f"http://{HOST}/"})
    )
    return seen


def test_a_request_goes_to_the_function_url_as_it_is(http, forwarded, stack):
    http.put(
        "/functions/v1/chat-send/more?a=1&a=2",
        content=b"\x00body",
        headers={"authorization": "Bearer t", "x-own": "y"},
    )

    (request,) = forwarded
    assert request.method == "PUT"
    assert str(request.url) == (
        f"{stack.emulator_url}/functions/v1/chat-send/more?a=1&a=2"
    )
    assert request.content == b"\x00body"
    assert request.headers["host"] == HOST
    assert request.headers["authorization"] == "Bearer t"
    assert request.headers["x-own"] == "y"


def test_the_answer_comes_back_as_it_is(http, forwarded):
    answer = http.post("/functions/v1/chat-send", json={})

    assert (answer.status_code, answer.json()) == (201, {"id": 7})
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_preflight_reaches_the_function(http, forwarded):
    headers = {"origin": "https://app", "access-control-request-method": "POST"}
    http.options("/functions/v1/chat-send", headers=headers)

    assert [request.method for request in forwarded] == ["OPTIONS"]


def test_an_unknown_function_is_a_problem_with_a_remedy(http, forwarded):
    answer = http.get("/functions/v1/nothing")

    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "title": "function not provisioned",
        "status": 502,
        "detail": "no function 'nothing'; known: chat-send",
        "remedy": "./bootstrap deploy --only infrastructure",
    }


def test_an_emulator_that_does_not_answer_is_a_problem(app, http, forwarded):
    def refuse(request):
        raise httpx.ConnectError("refused", request=request)

    app.state.client = httpx.AsyncClient(transport=httpx.MockTransport(refuse))

    answer = http.get("/functions/v1/chat-send")

    assert (answer.status_code, answer.json()["title"]) == (502, "no answer")


def test_a_function_is_found_by_its_route_where_its_name_differs(
    http, forwarded, stack
):
    urls = {"read-history": f"http://{HOST}/"}
    (stack.state / "functions.json").write_text(json.dumps(urls))

    http.get("/functions/v1/chat-history?chat_id=1&limit=2")

    (request,) = forwarded
    assert str(request.url) == (
        f"{stack.emulator_url}/functions/v1/chat-history?chat_id=1&limit=2"
    )
