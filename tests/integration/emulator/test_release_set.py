"""A set of services is all new or all old, on the real emulator."""

import json
from collections.abc import Iterator

import pytest
from emulator_alone import zips

from deploy import ledger
from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.emulator import functions as kinds
from deploy.emulator.clients import client
from deploy.emulator.provision import provision
from deploy.errors import DeployError, HalfDoneError, UsageError
from deploy.releases import gated, guarded, log, pending, pruning, rollback, versions
from deploy.releases.rollback import Wish
from infra.catalog.services import SERVICES

pytestmark = pytest.mark.integration

NAMES = [service.name for service in SERVICES]


def quiet(_: str) -> None:
    """Progress that nobody watches."""


def deployment_of(stack) -> Deployment:
    stack.save()
    return Deployment(stack="local", progress=quiet, state=stack.state)


@pytest.fixture
def deployment(emulator) -> Deployment:
    return deployment_of(emulator.stack)


def answers(deployment: Deployment) -> set[str]:
    """The versions that the code behind the aliases says it is."""
    functions = client(deployment.require_local(), "lambda")
    found = set()
    for name in NAMES:
        answer = functions.invoke(
            FunctionName=f"kiloscale-local-{name}", Qualifier="live", Payload=b"{}"
        )
        found.add(json.loads(answer["Payload"].read())["version"])
    return found


def release(deployment: Deployment, version: str, broken: str = "") -> list[Result]:
    """Provision small zips under the guard; one of them may be no zip."""
    stack = deployment.require_local()

    def work() -> Iterator[Result]:
        bundles = zips(stack.state, version)
        if broken:
            bundles[broken].path.write_bytes(b"not a zip")
        provision(stack, bundles, quiet)
        yield Result(id="infrastructure.done", title="", status=Status.PASS)

    return list(guarded(deployment, "infrastructure", work()))


def proof(deployment: Deployment, status: Status) -> list[Result]:
    """The gate behind a proof that ends in a status."""

    def run(_: Deployment) -> Iterator[Result]:
        yield Result(id="functions.proof", title="", status=status)

    step = gated(Step(id="functions", title="", run=run, verifies=True))
    return list(step.run(deployment))


def test_a_function_that_cannot_be_published_leaves_every_alias_alone(deployment):
    release(deployment, "1")
    before = versions.live(deployment)

    with pytest.raises(HalfDoneError, match="unzip"):
        release(deployment, "2", broken=NAMES[-1])

    assert versions.live(deployment) == before
    assert answers(deployment) == {"1"}
    release(deployment, "2")
    assert answers(deployment) == {"2"}


def test_an_alias_that_cannot_move_brings_the_moved_ones_back(deployment, monkeypatch):
    release(deployment, "1")
    proof(deployment, Status.PASS)
    put = kinds.FunctionAlias.put

    def refused(self, aws, name, inputs, known):
        if name == f"{NAMES[-1]}-live":
            raise ValueError("no")
        return put(self, aws, name, inputs, known)

    monkeypatch.setattr(kinds.FunctionAlias, "put", refused)

    with pytest.raises(HalfDoneError):
        release(deployment, "2")

    assert answers(deployment) == {"1"}
    monkeypatch.undo()
    release(deployment, "2")
    assert answers(deployment) == {"2"}


def test_a_failed_proof_moves_all_back_and_the_next_deploy_tries_again(deployment):
    release(deployment, "1")
    proof(deployment, Status.PASS)
    ledger.write(deployment.state, infrastructure="x", functions_proved="x")
    release(deployment, "2")

    _, back = proof(deployment, Status.FAIL)

    assert answers(deployment) == {"1"}
    moved = back.evidence["moved_back"]
    assert moved == {name: {"from": 2, "to": 1} for name in NAMES}
    assert ledger.read(deployment.state)["infrastructure"] == ""
    assert ledger.read(deployment.state)["functions_proved"] == ""
    release(deployment, "2")
    proof(deployment, Status.PASS)
    assert answers(deployment) == {"2"}
    kinds_of = [entry.kind for entry in log.read(deployment.records)]
    assert kinds_of == ["deploy", "withdrawn", "deploy"]


def test_a_first_release_that_fails_says_that_there_is_no_way_back(deployment):
    release(deployment, "1")

    _, told = proof(deployment, Status.FAIL)

    assert told.title.startswith("no older version of chat-send, relay-outbox,")
    assert not told.changed
    assert answers(deployment) == {"1"}


def test_a_proof_that_fails_without_a_release_moves_nothing(deployment):
    release(deployment, "1")
    proof(deployment, Status.PASS)

    results = proof(deployment, Status.FAIL)

    assert [result.id for result in results] == ["functions.proof"]


def test_a_deploy_killed_before_its_proof_leaves_the_way_back_to_the_next(deployment):
    release(deployment, "1")
    proof(deployment, Status.PASS)
    release(deployment, "2")  # and killed here
    release(deployment, "3")

    proof(deployment, Status.FAIL)

    assert answers(deployment) == {"1"}
    assert pending.read(deployment.records) is None


def test_a_defect_of_a_proof_moves_all_back_too(deployment):
    release(deployment, "1")
    proof(deployment, Status.PASS)
    release(deployment, "2")

    def run(_: Deployment) -> Iterator[Result]:
        raise KeyError("slip")
        yield

    with pytest.raises(KeyError):
        list(gated(Step(id="functions", title="", run=run)).run(deployment))

    assert answers(deployment) == {"1"}


def test_an_emulator_that_is_away_is_told_and_the_failure_stays_the_first(
    emulator, deployment
):
    release(deployment, "1")
    proof(deployment, Status.PASS)
    release(deployment, "2")
    emulator.stop()

    _, told = proof(deployment, Status.FAIL)

    assert told.status is Status.WARN
    assert told.title.startswith("the aliases could not be moved back:")
    assert pending.read(deployment.records) is not None


class TestByHand:
    """Three releases, of which the second failed its proof, shared by these tests."""

    @pytest.fixture(scope="class")
    def stack(self, start):
        deployment = deployment_of(start().stack)
        for version, status in (("1", Status.PASS), ("2", Status.FAIL)):
            release(deployment, version)
            proof(deployment, status)
        release(deployment, "3")
        proof(deployment, Status.PASS)
        return deployment.require_local()

    def back(self, stack, service, **wish) -> dict[str, Result]:
        # Without a database it is not known what stands in the way.
        asked = Wish(service=service, **{"force": True, **wish})
        results = rollback.run(deployment_of(stack), asked)
        return {result.id: result for result in results}

    def test_without_a_database_nothing_moves_unless_forced(self, stack):
        refused = self.back(stack, "chat-send", force=False)

        assert refused["rollback.migrations"].status is Status.FAIL
        assert "--force goes back without looking" in (
            refused["rollback.migrations"].title
        )
        assert list(refused) == ["rollback.migrations"]

    def test_all_go_back_over_the_one_that_failed_and_the_undo_brings_them_forth(
        self, stack
    ):
        deployment = deployment_of(stack)

        moved = self.back(stack, "all")["rollback.aliases"]

        assert {move["to"] for move in moved.evidence["moves"]} == {1}
        assert answers(deployment) == {"1"}
        assert moved.remedy == "./bootstrap rollback --service all --to 3"
        self.back(stack, "all", to=3)
        assert answers(deployment) == {"3"}

    def test_weights_of_other_versions_are_taken_away(self, stack):
        functions = client(stack, "lambda")
        functions.update_alias(
            FunctionName="kiloscale-local-chat-send",
            Name="live",
            RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
        )

        self.back(stack, "chat-send")

        alias = functions.get_alias(
            FunctionName="kiloscale-local-chat-send", Name="live"
        )
        assert alias["FunctionVersion"] == "1"
        assert "RoutingConfig" not in alias
        self.back(stack, "chat-send", to=3)

    def test_a_move_that_is_refused_brings_back_what_moved(self, stack, monkeypatch):
        deployment = deployment_of(stack)
        move = versions.Functions.move

        def refused(self, service, number):
            if service.name == NAMES[-1] and number == 1:
                raise DeployError("no")
            move(self, service, number)

        monkeypatch.setattr(versions.Functions, "move", refused)

        with pytest.raises(DeployError, match="no"):
            self.back(stack, "all")

        assert answers(deployment) == {"3"}

    def test_pruning_leaves_the_way_back_and_a_pruned_version_is_named(self, stack):
        deployment = deployment_of(stack)

        told = list(pruning.run(deployment, 1))

        assert [result.evidence["versions"] for result in told] == [[2]] * len(NAMES)
        with pytest.raises(UsageError, match="no version 2: it was pruned"):
            self.back(stack, "chat-send", to=2)
        self.back(stack, "all")
        assert answers(deployment) == {"1"}
