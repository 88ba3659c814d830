import gzip
import http.client
import json
import time
from urllib.parse import urlsplit

import pytest
from front_bench import SLOW_S, echo, fronting
from front_corpus import USER, front, requests, token

from deploy.local.edge.installing import modules
from deploy.local.parts import UnavailableError
from infra.front_routing import Side, bucket_of, decide

USERS_BUCKET = bucket_of(USER)
SEND = "/functions/v1/chat-send"
OTHERS = "/functions/v1/stripe-webhook"
WAIT_MS = 1_000


@pytest.fixture(scope="module")
def sides():
    with echo("ours") as ours, echo("present") as present:
        yield ours, present


@pytest.fixture(scope="module")
def worker(sides, tmp_path_factory):
    """The front at a share of half the users."""
    try:
        modules()
    except UnavailableError as error:
        pytest.skip(str(error))
    (ours, _), (present, _) = sides
    names = front(50)
    waits = dict.fromkeys([*names.ours, "present"], WAIT_MS)
    folder = tmp_path_factory.mktemp("front")
    base = f"{present}/functions/v1"
    with fronting(folder, names, ours, base, timeoutsMs=waits) as found:
        yield found


def seen(answer):
    return json.loads(answer.body)


def test_the_worker_decides_as_the_reference_for_a_thousand_users(worker):
    chosen = front(50)
    host = urlsplit(worker.url).netloc
    connection = http.client.HTTPConnection(host, timeout=30)
    got, expected = {}, {}

    # What a URL cannot hold reaches no Worker.
    for path, header in (
        each for each in requests() if each[0].startswith("/") and _is_sent(*each)
    ):
        connection.request("OPTIONS", path, headers={"authorization": header})
        response = connection.getresponse()
        body = json.loads(response.read())
        side = response.headers.get("x-kiloscale-origin", "none")
        got[path, header] = (side, body.get("path", path))
        decision = decide(path, header.strip(), chosen)
        expected[path, header] = (str(decision.side), decision.path)
    connection.close()

    assert len(got) > 1_000
    assert got == expected


def _is_sent(path, header):
    text = path + header
    # `..` and `\` are resolved by the URL parser before the Worker sees the path.
    plain = text.isascii() and text.isprintable()
    return plain and ".." not in path and "\\" not in path and "%2E" not in path


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_method_query_body_and_headers_arrive_as_they_were_sent(worker, method):
    answer = worker.ask(
        f"{OTHERS}/a?b=c&d=%20e", method, {"text": "ünï"}, apikey="k", x_client_info="j"
    )

    asked = seen(answer)
    assert (asked["method"], asked["path"]) == (method, f"{OTHERS}/a?b=c&d=%20e")
    assert json.loads(asked["body"]) == {"text": "ünï"}
    assert (asked["headers"]["apikey"], asked["headers"]["x-client-info"]) == ("k", "j")
    assert answer.headers["x-request-id"] == "r-1"


def test_one_header_names_the_client_and_cannot_be_forged(worker):
    asked = seen(
        worker.ask(
            OTHERS,
            cf_connecting_ip="198.51.100.7",
            x_forwarded_for="10.0.0.1",
            x_real_ip="10.0.0.1",
            true_client_ip="10.0.0.1",
            forwarded="for=10.0.0.1",
            x_forwarded_host="elsewhere.example.com",
        )
    )["headers"]

    assert asked["x-forwarded-for"] == "198.51.100.7"
    assert asked["x-forwarded-host"] == urlsplit(worker.url).netloc
    assert "10.0.0.1" not in json.dumps(asked)


def test_headers_of_one_connection_are_not_passed_on(worker):
    asked = seen(
        worker.ask(
            OTHERS,
            connection="keep-alive, x-mine",
            x_mine="1",
            te="trailers",
            upgrade="h2c",
        )
    )["headers"]

    assert not {"x-mine", "te", "upgrade"} & set(asked)


def test_the_host_that_is_asked_is_the_origins_own(worker, sides):
    asked = seen(worker.ask(OTHERS, host="attacker.example.com"))["headers"]

    assert asked["host"] == urlsplit(sides[1][0]).netloc


def test_a_path_outside_the_functions_reaches_nobody(worker, sides):
    before = [list(asked) for _, asked in sides]

    for path in ("/", "/rest/v1/messages", "/functions/v1/../../auth/v1/admin", "/x"):
        answer = worker.ask(path)
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/problem+json"

    assert [asked for _, asked in sides] == before


def test_a_redirect_is_left_to_the_client(worker):
    answer = worker.ask(f"{OTHERS}/moved", "POST", {})

    assert answer.status == 307
    assert answer.headers["location"] == "https://elsewhere.example.com/"


def test_a_refusal_keeps_its_status_and_names_its_side(worker):
    answer = worker.ask(f"{OTHERS}/limited")

    assert answer.status == 429
    assert answer.headers["x-kiloscale-origin"] == Side.PRESENT


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_a_compressed_answer_can_be_read(worker, accepted):
    answer = worker.ask(f"{OTHERS}/gzip", accept_encoding=accepted)

    encoding = answer.headers.get("content-encoding", "identity")
    body = gzip.decompress(answer.body) if encoding == "gzip" else answer.body
    assert json.loads(body)["side"] == "present"


def test_a_large_body_arrives_whole(worker):
    answer = worker.ask(OTHERS, "POST", {"text": "x" * 5_000_000})

    assert len(seen(answer)["body"]) > 5_000_000


def test_a_side_that_does_not_answer_in_time_is_a_504_that_says_so(worker):
    answer = worker.ask(f"{OTHERS}/slow")

    assert answer.status == 504
    assert answer.headers["x-kiloscale-origin"] == Side.PRESENT
    assert seen(answer) == {
        "title": "Gateway timeout",
        "status": 504,
        "detail": "no answer from stripe-webhook within 1 s",
    }


def test_a_stream_flows_and_may_last_longer_than_the_wait_for_its_start(worker):
    connection = http.client.HTTPConnection(urlsplit(worker.url).netloc, timeout=30)
    began = time.monotonic()
    connection.request("GET", f"{OTHERS}/stream")
    response = connection.getresponse()

    first = response.readline()
    first_after_s = time.monotonic() - began
    rest = response.read()
    connection.close()

    assert first == b"data: first\n"
    assert rest.endswith(b"data: last\n\n")
    assert first_after_s < SLOW_S < time.monotonic() - began
    assert WAIT_MS / 1_000 < SLOW_S


def test_a_side_that_is_away_is_a_502_without_its_address(sides, tmp_path, worker):
    gone = "http://127.0.0.1:1/functions/v1"

    with fronting(tmp_path, front(0), sides[0][0], gone) as alone:
        answer = alone.ask(SEND, "POST", {}, authorization=token({"sub": USER}))

    assert answer.status == 502
    assert b"127.0.0.1" not in answer.body


def test_without_present_functions_other_names_are_nobodys(sides, tmp_path, worker):
    with fronting(tmp_path, front(100, None), sides[0][0], "") as alone:
        answers = [alone.ask(SEND, "POST", {}), alone.ask(OTHERS, "POST", {})]

    assert [each.status for each in answers] == [200, 404]
