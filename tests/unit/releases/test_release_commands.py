"""What the release tasks refuse and ask, and how AWS's own answers are read."""

from types import SimpleNamespace

import pytest

from deploy import account, console, release_commands, run
from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.errors import UsageError
from deploy.releases import versions
from deploy.releases.rollback import Wish
from deploy.releases.versions import Functions, Version
from infra.catalog.services import CHAT_SEND

PRODUCTION = Deployment(stack="production", progress=lambda _: None)


class GoneError(Exception):
    """As botocore's ResourceNotFoundException."""


class Lambda:
    """A client that knows one function, with a weighted alias."""

    exceptions = SimpleNamespace(ResourceNotFoundException=GoneError)

    def __init__(self) -> None:
        self.moved: list[dict[str, object]] = []

    def get_alias(self, **names):
        if names["FunctionName"] != "kiloscale-production-chat-send":
            raise GoneError
        weights = {"AdditionalVersionWeights": {"8": 0.1}}
        return {"FunctionVersion": "7", "RoutingConfig": weights}

    def get_function_configuration(self, **names):
        return {"Version": names["Qualifier"], "CodeSha256": "sha"}

    def update_alias(self, **arguments):
        self.moved.append(arguments)


@pytest.fixture
def client(monkeypatch) -> Lambda:
    made = Lambda()
    monkeypatch.setattr(account, "client", lambda *_: made)
    return made


def test_what_is_live_is_the_version_that_the_alias_names(client):
    assert Functions(PRODUCTION).live(CHAT_SEND) == Version(number=7, sha256="sha")


def test_services_that_were_never_deployed_are_left_out(client):
    assert set(versions.live(PRODUCTION)) == {"chat-send"}


def test_moving_takes_the_weights_of_other_versions_away(client):
    Functions(PRODUCTION).move(CHAT_SEND, 6)

    assert client.moved == [
        {
            "FunctionName": "kiloscale-production-chat-send",
            "Name": "live",
            "FunctionVersion": "6",
            "RoutingConfig": {"AdditionalVersionWeights": {}},
        }
    ]


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("", "--service is missing: name a service, or all. Nothing was changed"),
        ("chat", "no service named 'chat'; known: all, chat-send, relay-outbox,"),
    ],
)
def test_a_service_that_is_not_named_right_is_refused(service, message, capsys):
    with pytest.raises(SystemExit) as ended:
        release_commands.rollback(
            "local", Wish(service=service), Output(), dry_run=False, yes=False
        )

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(message)


def test_a_cloud_stack_is_not_rolled_back_without_somebody_to_ask(monkeypatch):
    monkeypatch.setattr(console, "asks", lambda: False)

    with pytest.raises(UsageError) as refused:
        run.confirm(
            PRODUCTION, yes=False, task="rollback --service all", doing="roll back"
        )

    assert refused.value.remedy == (
        "./bootstrap rollback --service all --stack production --dry-run, then --yes"
    )


def test_the_question_names_what_is_done(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(console, "asks", lambda: True)
    monkeypatch.setattr(console, "ask", lambda q: asked.append(q) or "production")

    run.confirm(PRODUCTION, yes=False, doing="roll all back on it")

    assert asked == ["Type production to roll all back on it:"]


def test_pruning_without_a_way_back_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        release_commands.prune("local", 0, Output(), dry_run=False, yes=False)

    assert ended.value.code == 2
    assert "--keep 0: must be 1 or more" in capsys.readouterr().err
