import pytest

from deploy.emulator.live import Look
from deploy.errors import DeployError

HOOK = "/webhooks/alarms"
TOPIC = "arn:aws:sns:eu-central-1:000000000000:kiloscale-local-alarms"
CALLED = {"Type": "Notification", "TopicArn": TOPIC, "MessageId": "1", "Message": "{}"}
ASKED = CALLED | {
    "Type": "SubscriptionConfirmation",
    "Token": "t-1",
    "SubscribeURL": "http://elsewhere.example/",
}


def _received(http):
    return http.get(f"{HOOK}/_received").json()["notifications"]


@pytest.fixture
def confirmed(monkeypatch):
    """What the emulator is asked; it accepts everything."""
    asked = []
    monkeypatch.setattr(
        Look,
        "query",
        lambda self, service, action, **given: asked.append((service, action, given)),
    )
    return asked


def test_a_notification_can_be_read_back(http):
    sent = http.post(HOOK, json=CALLED)

    (notification,) = _received(http)
    assert sent.status_code == 204
    assert {key: notification[key] for key in CALLED} == CALLED


def test_only_the_last_200_are_kept(http):
    for number in range(201):
        http.post(HOOK, json=CALLED | {"MessageId": str(number)})

    kept = _received(http)

    assert (len(kept), kept[0]["MessageId"]) == (200, "1")


def test_a_subscription_is_confirmed_at_the_stack_s_own_emulator(http, confirmed):
    asked = http.post(HOOK, json=ASKED)

    assert asked.status_code == 204
    given = {"TopicArn": TOPIC, "Token": "t-1"}
    assert confirmed == [("sns", "ConfirmSubscription", given)]
    assert _received(http) == []


def test_an_emulator_that_is_away_is_said(http, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise DeployError("the AWS emulator does not answer")

    monkeypatch.setattr(Look, "query", away)

    answer = http.post(HOOK, json=ASKED)

    assert answer.status_code == 502
    assert answer.json() == {"message": "the AWS emulator does not answer"}


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"Type": 1}', b"\xff"])
def test_what_is_no_message_of_sns_is_refused(http, body):
    assert http.post(HOOK, content=body).status_code == 400
    assert _received(http) == []
