import base64
import json
from uuid import UUID

import httpx
import pytest

from deploy import stackfiles
from infra.front_routing import bucket_of

THERE = "http://127.0.0.1:54321"
HOST = "abc.lambda-url.eu-central-1.on.aws"
USERS = [str(UUID(int=n, version=4)) for n in range(60)]


@pytest.fixture
def asked(app, http, stack):
    """The hosts that are asked, each with the path."""
    seen = []

    def answer(request):
        seen.append((request.headers["host"], request.url.path))
        return httpx.Response(200, json={})

    app.state.client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    urls = {"chat-send": f"http://{HOST}/", "health-check": f"http://{HOST}/"}
    (stack.state / "functions.json").write_text(json.dumps(urls))
    return seen


@pytest.fixture
def share(tmp_path, monkeypatch):
    """Writes the stack's file."""
    path = tmp_path / "Pulumi.local.yaml"
    monkeypatch.setattr(stackfiles, "FOLDER", tmp_path)

    def write(percent, present):
        path.write_text(
            f"config:\n  kiloscale:cutoverPercent: {percent}\n"
            f"  kiloscale:cutoverFrom: {present}\n"
        )

    return write


def bearer(user):
    body = base64.urlsafe_b64encode(json.dumps({"sub": user}).encode()).decode()
    return {"authorization": f"Bearer e30.{body.rstrip('=')}.c2ln"}


def test_users_are_shared_out_as_on_a_real_front(http, asked, share):
    share(30, f"{THERE}/functions/v1")

    sides = [
        http.post("/functions/v1/chat-send", headers=bearer(user)).headers[
            "x-kiloscale-origin"
        ]
        for user in USERS
    ]

    expected = ["ours" if bucket_of(user) < 30 else "present" for user in USERS]
    assert sides == expected
    assert set(asked) == {
        (HOST, "/functions/v1/chat-send"),
        ("127.0.0.1:54321", "/functions/v1/chat-send"),
    }


def test_a_name_of_the_other_side_goes_there_at_any_share(http, asked, share):
    share(100, f"{THERE}/api")

    http.post("/functions/v1/stripe-webhook/x?a=1")

    assert asked == [("127.0.0.1:54321", "/api/stripe-webhook/x")]


def test_a_name_of_ours_alone_stays_ours_at_no_share(http, asked, share):
    share(0, f"{THERE}/functions/v1")

    http.get("/functions/v1/health-check")

    assert asked == [(HOST, "/functions/v1/health-check")]


def test_a_changed_share_counts_at_once(http, asked, share):
    sides = []
    for percent in (0, 100, 0):
        share(percent, f"{THERE}/functions/v1")
        answer = http.post("/functions/v1/chat-send", headers=bearer(USERS[0]))
        sides.append(answer.headers["x-kiloscale-origin"])

    assert sides == ["present", "ours", "present"]


def test_a_share_that_cannot_be_read_is_a_problem_that_says_where(http, asked, share):
    share("half", f"{THERE}/functions/v1")

    answer = http.post("/functions/v1/chat-send")

    assert answer.status_code == 502
    assert answer.json()["detail"] == (
        "Pulumi.local.yaml: kiloscale:cutoverPercent: must be a whole number from 0 to"
        " 100, got half"
    )
    assert asked == []


def test_the_stand_in_does_not_ask_itself(http, asked, share, stack):
    share(0, f"{stack.supabase_url}/functions/v1")

    answer = http.post("/functions/v1/chat-send", headers=bearer(USERS[0]))

    assert answer.status_code == 502
    assert "is the local stack itself" in answer.json()["detail"]
    assert asked == []
