"""What is left, and said, where AWS fails in the middle of a release task."""

from types import SimpleNamespace

import pytest

from deploy import account, console, release_commands, run
from deploy.account import NotThereError
from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.errors import DeployError, ExitCode, HalfDoneError, UsageError
from deploy.releases import log, pruning
from deploy.releases.choosing import Known
from deploy.releases.versions import Functions, Published, Version
from infra.catalog.services import CHAT_SEND, RELAY_OUTBOX

PRODUCTION = Deployment(stack="production", progress=lambda _: None)
MOVES = [(CHAT_SEND, 7, 6), (RELAY_OUTBOX, 5, 4)]


class Lambda:
    """Aliases by function; an answer may be lost although the alias moved."""

    exceptions = SimpleNamespace(ResourceNotFoundException=LookupError)

    def __init__(self) -> None:
        self.at = {"chat-send": 7, "relay-outbox": 5}
        self.lost: str = ""
        self.refused: str = ""
        self.deleted: list[str] = []

    def get_alias(self, **names):
        return {"FunctionVersion": str(self.at[self._service(names)])}

    def get_function_configuration(self, **names):
        return {"Version": names["Qualifier"], "CodeSha256": "sha"}

    def update_alias(self, **names):
        service = self._service(names)
        if service == self.refused:
            raise DeployError("AWS refuses")
        self.at[service] = int(names["FunctionVersion"])
        if service == self.lost:
            self.lost = ""
            raise NotThereError("AWS does not answer")

    def delete_function(self, **names):
        if len(self.deleted) == 2:
            raise DeployError("AWS refuses")
        self.deleted.append(names["Qualifier"])

    def _service(self, names):
        return names["FunctionName"].removeprefix("kiloscale-production-")


@pytest.fixture
def client(monkeypatch) -> Lambda:
    made = Lambda()
    monkeypatch.setattr(account, "client", lambda *_: made)
    return made


def test_an_alias_whose_answer_was_lost_goes_back_with_the_others(client):
    client.lost = "relay-outbox"

    with pytest.raises(NotThereError):
        Functions(PRODUCTION).move_together(MOVES)

    assert client.at == {"chat-send": 7, "relay-outbox": 5}


def test_an_alias_that_never_moved_is_not_said_to_be_stuck(client):
    client.refused = "relay-outbox"

    with pytest.raises(DeployError, match="AWS refuses") as failed:
        Functions(PRODUCTION).move_together(MOVES)

    assert not isinstance(failed.value, HalfDoneError)
    assert client.at == {"chat-send": 7, "relay-outbox": 5}


def published(number: int) -> Published:
    version = Version(number=number, sha256=f"sha{number}")
    return Published(version=version, at="2026-11-26", size=1, settings={})


def test_a_pruning_that_fails_in_the_middle_says_what_is_gone(client, monkeypatch):
    there = {"chat-send": [published(number) for number in range(1, 6)]}
    known = Known(live={}, there=there, entries=())
    monkeypatch.setattr(pruning, "SERVICES", (CHAT_SEND,))
    monkeypatch.setattr(pruning.rollback, "look", lambda *_: known)
    monkeypatch.setattr(pruning.pending, "read", lambda _: None)
    step = Step(id="prune", title="", run=lambda each: pruning.run(each, 1))

    report = run_of(step, monkeypatch)

    assert client.deleted == ["1", "2"]
    assert report.exit_code is ExitCode.HALF_DONE
    assert [each.title for each in report.results] == [
        "deleted 1, 2: 0.0 MB",
        "AWS refuses",
    ]


def run_of(step, monkeypatch):
    monkeypatch.setattr(run, "check_stack", lambda _: None)
    return run.checklist(
        "releases.prune", PRODUCTION, [step], console.Progress(), judge=run.plain_judge
    )


def test_a_log_that_cannot_be_read_is_kept_beside_the_new_one(tmp_path):
    (tmp_path / log.FILE).write_text("[{")

    log.append(tmp_path, log.DEPLOYED, {})

    assert (tmp_path / "releases.json.damaged").read_text() == "[{"
    assert [entry.number for entry in log.read(tmp_path)] == [1]


class TestAsking:
    """Whoever is asked has seen what would be done."""

    @pytest.fixture
    def told(self, monkeypatch) -> list[str]:
        lines: list[str] = []
        monkeypatch.setattr(release_commands, "check_stack", lambda _: None)
        monkeypatch.setattr(run, "check_stack", lambda _: None)
        monkeypatch.setattr(console, "asks", lambda: True)
        monkeypatch.setattr(console, "tell_lines", lines.extend)
        monkeypatch.setattr(console, "ask", lambda q: lines.append(q) or "no")
        monkeypatch.setattr(console, "show", lambda *_, **__: None)
        return lines

    def change(self, status: Status) -> int:
        def body(deployment):
            assert deployment.dry_run
            yield Result(id="rollback.aliases", title="would move a", status=status)

        change = release_commands.Change(
            task="rollback",
            with_options="rollback",
            doing="roll back",
            dry_run=False,
            yes=False,
        )
        step = Step(id="rollback", title="", run=body)
        out = release_commands.Output()
        return release_commands._change(change, "production", [step], out)

    def test_they_see_it_first_and_a_no_changes_nothing(self, told):
        with pytest.raises(UsageError, match="nothing was changed"):
            self.change(Status.PASS)

        assert told == ["would move a", "Type production to roll back:"]

    def test_what_cannot_be_done_is_not_asked_for(self, told):
        assert self.change(Status.FAIL) == ExitCode.FAILED
        assert told == []
