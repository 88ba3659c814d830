"""The task: its exit codes, its documents, and that no secret is in any of them."""

import json
import types
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest
from planning_stacks import SECRETS, small_program, write

from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.engine import cli, previewing
from deploy.errors import DeployError
from deploy.local.facts import new_stack
from deploy.paths import STATE_VARIABLE
from deploy.planning import (
    commands,
    engine_preview,
    judging,
    ledger,
    linting,
    planfile,
    programs,
    stackfile,
)
from deploy.planning.commands import Request
from infra.catalog.services import CHAT_SEND
from infra.components.python_service import (
    PythonService,
    PythonServiceArgs,
    release_together,
)
from infra.policies import OF_ONE

CHECKS = [
    "configuration.values",
    "resources.declared",
    "changes.since-last-deploy",
    "cost.month",
    "rules.policies",
    "rules.secrets",
    "rules.cfn-lint",
]


RELAY = PythonServiceArgs(
    physical_name="relay",
    archive=pulumi.FileArchive("../dist/relay-outbox.zip"),
    handler="h",
    runtime="python3.13",
    architecture="arm64",
    memory_mib=256,
    timeout_s=10,
    environment={},
    key_arn="arn",
    grants=[],
    log_retention_days=30,
    reserved_concurrency=None,
    is_public=False,
)


class Silent:
    """A linter that finds what a test says."""

    messages: tuple[str, ...] = ()

    @classmethod
    def start(cls):
        return cls()

    def findings(self, resources, region):
        return linting.Found(messages=list(self.messages), linted=len(resources))

    def close(self):
        pass


def check_each(resources):
    """Judge each resource for itself: a part of a program lacks what others ask for."""
    return sorted(finding for rule in OF_ONE for finding in rule(resources))


@pytest.fixture
def state(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    monkeypatch.setattr(linting, "Linter", Silent)
    monkeypatch.setattr(Silent, "messages", ())
    monkeypatch.setattr(programs, "whole_program", small_program)
    monkeypatch.setattr(judging, "check", check_each)
    monkeypatch.setenv("PATH", "/nowhere")
    return tmp_path / "state"


@pytest.fixture
def plan(state, stacks, capsys):
    """Runs the task on a cloud stack; gives its exit code and what it printed."""
    write(stacks)

    def run(*, stack="production", as_json=False, evidence=False, **wishes):
        output = Output(as_json=as_json, evidence=evidence)
        try:
            code = commands.plan(Request(stack=stack, **wishes), output)
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def deployed(stack="production") -> str:
    """Record what a deploy that ended well would record."""
    return programs.save(Deployment(stack=stack, progress=print))


def test_a_first_plan_ends_well_and_changes_nothing(plan, state):
    code, out, _ = plan()

    assert code == 0
    assert "the program's own declarations; no state was read" in out
    assert out.endswith("next: ./bootstrap deploy --stack production\n")
    assert not state.exists()


def test_a_first_plan_would_change_everything(plan):
    assert plan(check=True)[0] == 6


def test_nothing_would_change_after_a_deploy(plan):
    deployed()

    code, out, _ = plan(check=True)

    assert code == 0
    assert "nothing differs from the deploy of" in out


def test_one_changed_memory_is_one_line(plan, monkeypatch):
    deployed()
    larger = replace(CHAT_SEND, memory_mib=1_024)
    monkeypatch.setattr(
        programs,
        "whole_program",
        lambda archives: small_program(archives, service=larger),
    )

    code, out, _ = plan(check=True)

    assert code == 6
    assert [line for line in out.splitlines() if line.startswith(("  ~", "  +"))] == [
        "  ~ lambda.Function chat-send  memorySize: 512 -> 1024"
    ]


def test_a_secret_that_was_set_anew_is_a_change_without_a_value(plan, stacks):
    deployed()
    path = stacks / "Pulumi.production.yaml"
    path.write_text(path.read_text().replace("CiphertextOfjwtSecret", "CiphertextNew"))

    code, out, _ = plan(check=True)

    assert code == 6
    where = "lambda.Function chat-send  environment.variables.JWT_SECRET"
    assert [line for line in out.splitlines() if line.startswith("  ~")] == [
        f"  ~ {where}: secret, changed"
    ]


def test_a_tag_that_the_provider_puts_on_everything_is_a_change(plan, stacks):
    write(stacks, more="  aws:defaultTags:\n    tags:\n      project: one\n")
    deployed()
    write(stacks, more="  aws:defaultTags:\n    tags:\n      project: two\n")

    code, out, _ = plan(check=True)

    assert code == 6
    assert "  ~ providers.aws default  defaultTags.tags.project: one -> two\n" in out


def test_a_token_of_a_provider_is_kept_secret(plan, stacks):
    more = "  cloudflare:apiToken:\n    secure: v1:DistinctiveCiphertextA\n"
    write(stacks, more=more)
    deployed()
    write(stacks, more=more.replace("CiphertextA", "CiphertextB"))

    code, out, _ = plan(check=True, evidence=True)

    assert code == 6
    assert "  ~ providers.cloudflare default  apiToken: secret, changed\n" in out
    assert "DistinctiveCiphertext" not in out


def test_a_finding_ends_with_seven_and_hides_nothing(plan, monkeypatch):
    monkeypatch.setattr(Silent, "messages", ("ChatSend: 'arm65' is not one of",))

    code, out, _ = plan(check=True)

    assert code == 7
    assert "'arm65' is not one of" in out
    assert "cost of a month" in out
    assert "next: correct what was found, then" in out


def test_a_missing_secret_is_told_with_its_command(plan, stacks):
    write(stacks, secrets=tuple(key for key in SECRETS if key != "databaseUrl"))

    code, out, _ = plan()

    flat = " ".join(out.split())
    assert code == 0
    assert "1 secrets are not set" in flat
    assert "pulumi config set --secret databaseUrl" in flat


def test_every_wrong_value_is_told_at_once(plan, stacks):
    write(stacks, more="  kiloscale:logRetentionDays: 31\n  kiloscale:colour: red\n")

    code, out, _ = plan()

    assert code == 2
    flat = " ".join(out.split())
    assert "kiloscale:logRetentionDays: must be one of" in flat
    assert "kiloscale:colour: unknown" in flat


def test_a_value_that_works_and_should_be_another_is_a_warning(plan, stacks):
    write(stacks, more="  kiloscale:llmDayBudgetUsd: 0.02\n")

    code, out, _ = plan(as_json=True)

    report = json.loads(out)
    warned = [each for each in report["checks"] if each["status"] == "warn"]
    assert (code, report["status"]) == (0, "warn")
    assert [each["id"] for each in warned] == ["configuration.llmDayBudgetUsd"]
    assert warned[0]["title"].startswith(
        "Pulumi.production.yaml: kiloscale:llmDayBudgetUsd: 0.02 USD are less than"
    )
    assert warned[0]["remedy"] == (
        "pulumi config set llmDayBudgetUsd ... --stack production"
    )


def test_a_warning_that_names_its_command_has_it_as_the_remedy(plan, stacks):
    more = "  kiloscale:users: 2000\n  kiloscale:poolerClients: 400\n"
    write(stacks, more=more + "  kiloscale:limitStore: redis\n")

    _, out, _ = plan(as_json=True)

    (warned,) = [e for e in json.loads(out)["checks"] if e["status"] == "warn"]
    assert warned["remedy"] == (
        "pulumi config set --secret databaseReplicaUrl --stack production"
    )


def test_an_encrypted_value_that_is_no_secret_is_said_not_to_be_read(plan, stacks):
    path = write(stacks)
    value = "https://abcdefghijklmnopqrst.supabase.co"
    path.write_text(path.read_text().replace(value, "{secure: v1:abc}"))

    code, out, _ = plan()

    assert code == 2
    flat = " ".join(out.split())
    assert "kiloscale:supabaseUrl: must be a URL, https://..., got <encrypted>" in flat
    assert "a plan cannot read it; `pulumi preview` does" in flat


def test_an_unknown_stack_is_told_before_anything_is_done(plan):
    code, _, err = plan(stack="staging")

    assert code == 2
    assert "no stack named 'staging'" in err


def test_a_folder_that_is_not_there_is_told_before_the_work(plan, tmp_path):
    code, out, err = plan(out=tmp_path / "none" / "plan.json")

    assert code == 2
    assert out == ""
    assert "there is no folder" in err


def test_the_document_keeps_its_members(plan):
    _, out, _ = plan(as_json=True)
    report = json.loads(out)

    assert list(report) == [
        "task", "target", "status", "exit_code", "changed", "ms", "checks",
    ]  # fmt: skip
    evidence = {check["id"]: list(check["evidence"]) for check in report["checks"]}
    assert list(evidence) == CHECKS
    assert evidence["configuration.values"] == ["keys", "secrets", "stand_ins"]
    assert evidence["resources.declared"] == ["source", "digest", "components"]
    assert evidence["changes.since-last-deploy"] == ["since", "last_digest", "changes"]
    assert evidence["rules.policies"] == ["rules", "findings"]
    (cost,) = [each for each in report["checks"] if each["id"] == "cost.month"]
    first = cost["evidence"]["estimates"][0]
    assert list(first) == [
        "users", "region", "stack_region", "prices_as_of", "usd", "usd_after_free",
        "unconfirmed_usd", "llm_usd", "llm_usd_at_most", "llm_model",
        "llm_price_read", "lines", "not_counted", "not_included",
    ]  # fmt: skip


def test_a_plan_file_is_not_stale_until_somebody_deploys(plan, tmp_path):
    plan(out=tmp_path / "plan.json")

    written = planfile.read(tmp_path / "plan.json")

    assert written.stack == "production"
    assert written.resources > 10
    assert written.findings == []
    assert planfile.stale(written) == []
    digest = deployed()
    assert planfile.stale(written) == ["what the last deploy declared: changed"]
    assert written.declared == digest


def test_two_plans_of_the_same_declare_the_same(plan, tmp_path):
    plan(out=tmp_path / "first.json")
    plan(out=tmp_path / "second.json")

    first, second = (
        planfile.read(tmp_path / f"{name}.json") for name in ("first", "second")
    )
    assert first.declared == second.declared
    assert first.inputs == second.inputs


@pytest.mark.parametrize("stack", ["production", "local"])
def test_no_secret_is_in_any_output_or_file(plan, state, stacks, tmp_path, stack):
    local = new_stack(state, home=state)
    if stack == "local":
        state.mkdir()
        local.save()
    found = stackfile.read(stack, state)
    hidden = [*found.hidden, "DistinctiveCiphertext"]
    deployed(stack)

    printed = [
        text
        for as_json in (False, True)
        for text in plan(
            stack=stack, as_json=as_json, evidence=True, out=tmp_path / "plan.json"
        )[1:]
    ]

    records = Deployment(stack=stack, progress=print).records
    files = [tmp_path / "plan.json", records / ledger.FILE]
    texts = [*printed, *(path.read_text() for path in files)]
    assert len(hidden) > 5
    assert all(texts[index] for index in (0, 2, 4, 5))
    assert [each for each in hidden if any(each in text for text in texts)] == []


def test_a_secret_in_a_plain_input_is_a_finding_and_is_not_shown(plan, monkeypatch):
    def leaking(archives):
        from infra.components.cron_schedule import CronSchedule, CronScheduleArgs

        secret = stackfile.read("production", Path()).value("internalApiKey")
        small_program(archives)
        relay = PythonService("relay-outbox", RELAY)
        release_together([relay])
        wrong = CronScheduleArgs(
            physical_name="nightly",
            expression=f"rate(1 night) {secret}",
            period_s=60,
            service=relay,
        )
        return {"name": CronSchedule("nightly", wrong).name}

    monkeypatch.setattr(programs, "whole_program", leaking)
    quoted = stackfile.read("production", Path()).value("jwtSecret")
    monkeypatch.setattr(Silent, "messages", (f"ChatSend: {quoted} is wrong",))

    code, out, _ = plan()

    hidden = stackfile.read("production", Path()).hidden
    flat = " ".join(out.split())
    assert code == 7
    assert "nightly: scheduleExpression: a secret stands there in plain text" in flat
    assert "rate(1 night) <secret>" in flat
    assert "ChatSend: <secret> is wrong" in flat
    assert [each for each in hidden if each in out] == []


def test_without_an_engine_the_plan_is_of_declarations(state, stacks, monkeypatch):
    monkeypatch.setattr(cli, "where", lambda: None)
    write(stacks)

    found = engine_preview.preview_with_engine(
        Deployment(stack="production", progress=print)
    )

    assert found == engine_preview.Preview()


@pytest.fixture
def engine(state, stacks, monkeypatch):
    """Finds a CLI; the test says what its preview gives."""
    write(stacks)
    monkeypatch.setattr(cli, "where", lambda: "pulumi")

    def answers(look):
        monkeypatch.setattr(previewing, "preview", look)

    return answers


def test_an_engine_says_what_it_would_do(engine, plan):
    class Change:
        def line(self):
            return "update lambda.Function chat-send"

    engine(lambda deployment: types.SimpleNamespace(changes=(Change(),)))
    deployed()

    code, out, _ = plan(check=True)

    assert code == 6
    assert "the engine would do: 1\n  update lambda.Function chat-send" in out


def test_an_engine_that_cannot_answer_is_skipped_with_the_reason(engine, plan):
    def refuse(deployment):
        raise DeployError("nobody is logged in")

    engine(refuse)
    code, out, _ = plan()

    assert code == 0
    assert "skipped: the engine did not answer: nobody is logged in" in " ".join(
        out.split()
    )


def test_a_plan_can_be_read_before_any_secret_is_set(plan, stacks):
    write(stacks, secrets=("databaseUrl",))

    code, out, _ = plan(out=None)

    flat = " ".join(out.split())
    assert code == 0
    assert "4 secrets are not set, the plan takes stand-ins" in flat
    assert "internalApiKey, jwtSecret, supabaseServiceKey" in flat
    assert "placeholder" not in out


def test_another_problem_beside_a_missing_secret_is_refused(plan, stacks):
    write(stacks, secrets=(), more="  kiloscale:logRetentionDays: 31\n")

    code, out, _ = plan()

    flat = " ".join(out.split())
    assert code == 2
    assert "kiloscale:logRetentionDays: must be one of" in flat
    assert "kiloscale:databaseUrl: missing" in flat
