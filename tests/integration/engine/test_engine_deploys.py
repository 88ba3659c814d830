"""``deploy --stack`` on a cloud stack: preview, question, plan files, journal, receipt.

The Pulumi CLI is an imitation (``fake_pulumi.py``); the database is a real one, for the
lock and the copy of the receipt.
"""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from deploy import console
from deploy.commands import Output
from deploy.deploying import Request, deploy
from deploy.planning import inputs, planfile, programs

pytestmark = pytest.mark.integration

CHANGES = "3 create; 0 stay as they are"


@pytest.fixture
def run(fake, scratch_url, tmp_path, monkeypatch, capsys):
    """Run the step infrastructure of a deploy; gives exit code, report and stderr."""
    monkeypatch.setenv("KILOSCALE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("KILOSCALE_DATABASE_URL", scratch_url)
    monkeypatch.setattr(console, "asks", lambda: False)

    def run(**wishes):
        if not wishes.get("plan") and not wishes.get("resume"):
            wishes.setdefault("only", "infrastructure")
        code = 0
        try:
            out = Output(as_json=True)
            code = deploy(Request(stack="production", **wishes), out)
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        return code, json.loads(told.out), told.err

    return run


def checks(report):
    return {each["id"].partition(".")[2]: each for each in report["checks"]}


def test_without_a_yes_the_preview_is_shown_and_nothing_is_changed(fake, run):
    code, report, told = run()

    assert code == 2
    assert told.splitlines()[0].startswith(CHANGES)
    assert "    create  aws:sqs/queue:Queue llm-requests" in told
    assert "--yes is missing; nothing was changed" in report["checks"][0]["title"]
    assert fake.state == {}


@pytest.mark.parametrize(("answer", "code"), [("production", 0), ("yes", 2)])
def test_the_question_wants_the_name_of_the_stack(fake, run, monkeypatch, answer, code):
    monkeypatch.setattr(console, "asks", lambda: True)
    monkeypatch.setattr(console, "ask", lambda _: answer)

    assert run()[0] == code
    assert bool(fake.state) is (code == 0)


def test_a_check_says_by_its_code_whether_something_would_change(fake, run):
    assert run(check=True)[0] == 6
    assert run(yes=True)[0] == 0
    assert run(check=True)[0] == 0


def test_a_preview_is_made_once_and_the_receipt_has_what_it_led_to(fake, run, tmp_path):
    code, report, _ = run(yes=True)

    folder = tmp_path / "state" / "records" / "production"
    receipt = json.loads((folder / "receipts" / "000001.json").read_text())
    assert code == 0
    assert sum(" preview " in call for call in fake.calls) == 1
    assert receipt["report"]["checks"] == report["checks"]
    found = checks(receipt["report"])
    assert found["resources"]["evidence"]["permalink"].endswith("/updates/7")
    assert found["outputs"]["evidence"]["functionUrls"]
    assert "the-secret-output" not in json.dumps(receipt)


def test_a_resume_goes_on_where_the_update_failed(fake, run):
    fake.told(fail={"chat-send": "a bad day"})
    code, report, _ = run(yes=True)
    assert code == 5
    assert report["checks"][-1]["remedy"] == (
        "./bootstrap deploy --resume --stack production"
    )

    fake.told(fail={})
    code, report, _ = run(
        resume=True, yes=True, skip="preflight,database,crons,functions,"
        "monitoring,alarms,cdn"
    )  # fmt: skip

    assert code == 0
    assert checks(report)["resources"]["title"].startswith("1 created")


def test_a_loss_is_refused_before_the_question(fake, run):
    run(yes=True)
    fake.changed("llm-requests", fifo=True)

    code, report, told = run(yes=True)

    assert code == 2
    assert "  ! replace aws:sqs/queue:Queue llm-requests (fifo): the messages" in told
    assert report["checks"][0]["remedy"] == (
        "./bootstrap deploy --allow-replace llm-requests --stack production"
    )
    assert run(yes=True, allow_replace="llm-requests")[0] == 0


@pytest.fixture
def plan(run, tmp_path, monkeypatch):
    """Write a plan; what it was made from can be changed."""
    made_from = {"infra/assembly.py": "1", "Pulumi.production.yaml": "1"}
    document = {"format": 1, "resources": [], "stack": "x"}
    program = SimpleNamespace(document=document)
    monkeypatch.setattr(inputs, "of_stack", lambda *_, **__: dict(made_from))
    monkeypatch.setattr(programs, "declare", lambda _: program)
    path = tmp_path / "plan.json"
    code, report, _ = run(plan=str(path))
    return SimpleNamespace(path=path, code=code, report=report, made_from=made_from)


def test_a_plan_changes_nothing_and_replaces_the_question(fake, run, plan):
    assert (plan.code, fake.state) == (0, {})
    assert planfile.read(plan.path).changes[0] == (
        "engine: create  aws:sqs/queue:Queue llm-requests"
    )

    assert run(apply=str(plan.path))[0] == 0
    assert len(fake.state) == 4


def test_a_plan_is_refused_when_something_changed_since(fake, run, plan):
    plan.made_from["infra/assembly.py"] = "2"

    code, report, _ = run(apply=str(plan.path))

    assert code == 2
    assert "is out of date: infra/assembly.py: changed" in report["checks"][0]["title"]
    assert fake.state == {}


def test_a_plan_is_refused_when_the_engine_would_do_more(fake, run, plan):
    more = {"type": "aws:sns/topic:Topic", "name": "alarms", "inputs": {}}
    fake.told(program=[*fake.scenario["program"], more])

    code, report, _ = run(apply=str(plan.path))

    assert code == 2
    assert report["checks"][0]["evidence"] == {
        "not_in_plan": ["create  aws:sns/topic:Topic alarms"]
    }


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"stack": "staging"}, "is a plan of stack staging, not of production"),
        ({"created_at": "-25"}, "was made 25 hours ago, and a plan holds for 24"),
        ({"created_at": "2"}, "was made 2.0 hours from now: the clock here, or of the"),
    ],
)
def test_a_plan_of_another_stack_or_day_is_refused(run, plan, change, text):
    if "created_at" in change:
        moment = datetime.now(UTC) + timedelta(hours=int(change["created_at"]))
        change = {"created_at": moment.isoformat(timespec="seconds")}
    old = planfile.read(plan.path)
    planfile.write(planfile.PlanFile(**{**vars(old), **change}), plan.path)

    code, report, _ = run(apply=str(plan.path))

    assert (code, text in report["checks"][0]["title"]) == (2, True)


def test_a_plan_without_the_cli_says_so_and_is_applied_by_its_digests(
    run, plan, monkeypatch
):
    monkeypatch.setattr("deploy.engine.cli.where", lambda: None)
    code, report, _ = run(plan=str(plan.path))
    monkeypatch.undo()

    assert code == 0
    assert checks(report)["preview"]["status"] == "skipped"
    assert "engine: not asked" in planfile.read(plan.path).changes


def test_what_no_plan_has_seen_is_asked_about(fake, run, plan):
    unseen = planfile.PlanFile(**{**vars(planfile.read(plan.path)), "changes": []})
    planfile.write(unseen, plan.path)

    code, report, _ = run(apply=str(plan.path))

    assert code == 2
    assert "--yes is missing; nothing was changed" in report["checks"][0]["title"]
    assert fake.state == {}
    assert run(apply=str(plan.path), yes=True)[0] == 0


@pytest.mark.parametrize(
    ("wishes", "text"),
    [
        ({"plan": "a", "apply": "b"}, "--plan and --apply exclude each other"),
        ({"apply": "a", "dry_run": True}, "--apply and --dry-run exclude each other"),
        ({"plan": "a", "only": "infrastructure"}, "--plan is of the whole deploy"),
    ],
)
def test_wishes_that_exclude_each_other(run, wishes, text):
    code, report, _ = run(**wishes)

    assert (code, text in report["checks"][0]["title"]) == (2, True)
