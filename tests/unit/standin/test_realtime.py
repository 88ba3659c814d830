import pytest

HELLO = {"topic": "user-realtime:1", "event": "message", "payload": {"id": 7}}
SEND = "/realtime/v1/api/broadcast"


def _sent(http, topic):
    got = http.get("/realtime/v1/_sent", params={"topic": topic}).json()
    return [message["payload"] for message in got["messages"]]


def test_a_broadcast_can_be_read_back(http, as_anon):
    other = HELLO | {"topic": "user-realtime:2"}
    sent = http.post(SEND, json={"messages": [HELLO, other]}, headers=as_anon)

    assert (sent.status_code, sent.content) == (202, b"")
    assert _sent(http, "user-realtime:1") == [{"id": 7}]


def test_only_the_last_200_are_kept(http, as_anon):
    many = [HELLO | {"payload": {"id": number}} for number in range(201)]
    http.post(SEND, json={"messages": many}, headers=as_anon)

    kept = _sent(http, "user-realtime:1")

    assert (len(kept), kept[0]) == (200, {"id": 1})


def test_a_broadcast_without_a_key_is_refused(http):
    refused = http.post(SEND, json={"messages": [HELLO]})

    assert refused.status_code == 401
    assert _sent(http, "user-realtime:1") == []


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'{"messages": [{"topic": "t"}]}', b'{"messages": {}}'],
)
def test_a_malformed_broadcast_is_refused(http, as_anon, body):
    assert http.post(SEND, content=body, headers=as_anon).status_code == 422
