"""A set of services is all new or all old, on the real emulator."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from emulator_alone import zips

from deploy import ledger
from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.emulator import functions as kinds
from deploy.emulator.clients import client
from deploy.emulator.provision import provision
from deploy.errors import DeployError, HalfDoneError, UsageError
from deploy.local.ports import free_port
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


@pytest.fixture(scope="module")
def stack(start):
    """A stack whose release "1" is provisioned."""
    deployment = deployment_of(start().stack)
    provisioned(deployment, "1")
    return deployment.require_local()


@pytest.fixture
def deployment(stack) -> Deployment:
    """The same stack for all tests; what is live is trusted."""
    deployment = deployment_of(stack)
    proof(deployment, Status.PASS)
    return deployment


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


def provisioned(deployment: Deployment, version: str, broken: str = "") -> None:
    """Run the program under the guard with small zips; one of them may be no zip."""
    stack = deployment.require_local()

    def work() -> Iterator[Result]:
        bundles = zips(stack.state, version)
        if broken:
            bundles[broken].path.write_bytes(b"not a zip")
        provision(stack, bundles, quiet)
        yield Result(id="infrastructure.done", title="", status=Status.PASS)

    list(guarded(deployment, "infrastructure", work()))


def released(deployment: Deployment, version: str) -> None:
    """Publish and move under the guard without the program, which takes a second."""
    stack = deployment.require_local()
    functions = client(stack, "lambda")

    def work() -> Iterator[Result]:
        for name, bundle in zips(stack.state, version).items():
            function = f"kiloscale-local-{name}"
            code = bundle.path.read_bytes()
            made = functions.update_function_code(
                FunctionName=function, ZipFile=code, Publish=True
            )
            functions.update_alias(
                FunctionName=function, Name="live", FunctionVersion=made["Version"]
            )
        yield Result(id="infrastructure.done", title="", status=Status.PASS)

    list(guarded(deployment, "infrastructure", work()))


def proof(deployment: Deployment, status: Status) -> list[Result]:
    """The gate behind a proof that ends in a status."""

    def run(_: Deployment) -> Iterator[Result]:
        yield Result(id="functions.proof", title="", status=status)

    step = gated(Step(id="functions", title="", run=run, verifies=True))
    return list(step.run(deployment))


@pytest.mark.sweep
def test_a_function_that_cannot_be_published_leaves_every_alias_alone(deployment):
    before = versions.live(deployment)

    with pytest.raises(HalfDoneError, match="unzip"):
        provisioned(deployment, "2", broken=NAMES[-1])

    assert versions.live(deployment) == before
    assert answers(deployment) == {"1"}


def test_an_alias_that_cannot_move_brings_the_moved_ones_back(deployment, monkeypatch):
    put = kinds.FunctionAlias.put

    def refused(self, aws, name, inputs, known):
        if name == f"{NAMES[-1]}-live":
            raise ValueError("no")
        return put(self, aws, name, inputs, known)

    monkeypatch.setattr(kinds.FunctionAlias, "put", refused)

    with pytest.raises(HalfDoneError):
        provisioned(deployment, "2")

    assert answers(deployment) == {"1"}
    monkeypatch.undo()
    provisioned(deployment, "2")
    assert answers(deployment) == {"2"}


def test_a_failed_proof_moves_all_back_and_the_next_deploy_tries_again(deployment):
    ledger.write(deployment.state, infrastructure="x", functions_proved="x")
    before = versions.live(deployment)
    released(deployment, "failing")

    _, back = proof(deployment, Status.FAIL)

    assert answers(deployment) == {"2"}
    assert {name: each["to"] for name, each in back.evidence["moved_back"].items()} == {
        name: version.number for name, version in before.items()
    }
    assert ledger.read(deployment.state)["infrastructure"] == ""
    assert ledger.read(deployment.state)["functions_proved"] == ""
    assert log.read(deployment.records)[-1].kind == log.WITHDRAWN
    provisioned(deployment, "3")
    proof(deployment, Status.PASS)
    assert answers(deployment) == {"3"}
    assert log.read(deployment.records)[-1].kind == log.DEPLOYED


def test_a_first_release_that_fails_says_that_there_is_no_way_back(deployment):
    pending.begin(deployment.records, {})
    before = versions.live(deployment)

    _, told = proof(deployment, Status.FAIL)

    assert told.title.startswith("no older version of chat-send, relay-outbox,")
    assert not told.changed
    assert versions.live(deployment) == before


def test_a_proof_that_fails_without_a_release_moves_nothing(deployment):
    results = proof(deployment, Status.FAIL)

    assert [result.id for result in results] == ["functions.proof"]


def test_a_deploy_killed_before_its_proof_leaves_the_way_back_to_the_next(deployment):
    before = versions.live(deployment)
    released(deployment, "killed")
    released(deployment, "after it")

    proof(deployment, Status.FAIL)

    assert versions.live(deployment) == before
    assert pending.read(deployment.records) is None


def test_a_defect_of_a_proof_moves_all_back_too(deployment):
    before = versions.live(deployment)
    released(deployment, "good")

    def run(_: Deployment) -> Iterator[Result]:
        raise KeyError("slip")
        yield

    with pytest.raises(KeyError):
        list(gated(Step(id="functions", title="", run=run)).run(deployment))

    assert versions.live(deployment) == before


def test_an_emulator_that_is_away_is_told_and_the_failure_stays_the_first(
    stack, deployment
):
    released(deployment, "away")
    deployment_of(replace(stack, emulator_url=f"http://127.0.0.1:{free_port()}"))

    _, told = proof(deployment, Status.FAIL)

    deployment_of(stack)
    assert told.status is Status.WARN
    assert told.title.startswith("the aliases could not be moved back:")
    assert pending.read(deployment.records) is not None


def good(deployment, version) -> int:
    """Release and prove; give the number in the log."""
    released(deployment, version)
    proof(deployment, Status.PASS)
    return log.read(deployment.records)[-1].number


@pytest.fixture(scope="module")
def releases(stack) -> tuple[int, int]:
    """Numbers of two good ones in the log, between which one failed."""
    deployment = deployment_of(stack)
    first = good(deployment, "old")
    released(deployment, "bad")
    proof(deployment, Status.FAIL)
    return first, good(deployment, "new")


class TestByHand:
    """Rollbacks; each test leaves the newest release live, the last one excepted."""

    def back(self, deployment, service, **wish) -> dict[str, Result]:
        # Without a database it is not known what stands in the way.
        asked = Wish(service=service, **{"force": True, **wish})
        return {result.id: result for result in rollback.run(deployment, asked)}

    def test_without_a_database_nothing_moves_unless_forced(self, releases, deployment):
        refused = self.back(deployment, "chat-send", force=False)

        (only,) = refused.values()
        assert (only.id, only.status) == ("rollback.migrations", Status.FAIL)
        assert "--force goes back without looking" in only.title

    def test_all_go_back_over_the_one_that_failed_and_the_undo_brings_them_forth(
        self, releases, deployment
    ):
        old, new = releases

        moved = self.back(deployment, "all")["rollback.aliases"]

        assert answers(deployment) == {"old"}
        assert log.read(deployment.records)[old - 1].services == versions.live(
            deployment
        )
        assert moved.remedy == f"./bootstrap rollback --service all --to {new}"
        self.back(deployment, "all", to=new)
        assert answers(deployment) == {"new"}

    def test_weights_of_other_versions_are_taken_away(self, releases, deployment):
        functions = client(deployment.require_local(), "lambda")
        alias = {"FunctionName": "kiloscale-local-chat-send", "Name": "live"}
        weights = {"AdditionalVersionWeights": {"1": 0.5}}
        functions.update_alias(**alias, RoutingConfig=weights)

        undo = self.back(deployment, "chat-send")["rollback.aliases"].remedy

        assert "RoutingConfig" not in functions.get_alias(**alias)
        self.back(deployment, "chat-send", to=int(undo.split()[-1]))
        assert answers(deployment) == {"new"}

    def test_a_move_that_is_refused_brings_back_what_moved(
        self, releases, deployment, monkeypatch
    ):
        move = versions.Functions.move
        wanted = log.read(deployment.records)[releases[0] - 1].services

        def refused(self, service, number):
            if (service.name, number) == (NAMES[-1], wanted[NAMES[-1]].number):
                raise DeployError("no")
            move(self, service, number)

        monkeypatch.setattr(versions.Functions, "move", refused)

        with pytest.raises(DeployError, match="no"):
            self.back(deployment, "all")

        assert answers(deployment) == {"new"}

    def test_pruning_leaves_the_way_back_and_a_pruned_version_is_named(
        self, releases, deployment
    ):
        told = list(pruning.run(deployment, 1))

        assert all(result.changed for result in told)
        with pytest.raises(UsageError, match="no version 1: it was pruned"):
            self.back(deployment, "chat-send", to=1)
        self.back(deployment, "all")
        assert answers(deployment) == {"old"}
