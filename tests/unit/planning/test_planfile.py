"""A plan file says what it was made from, and by name what changed since."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from deploy import stackfiles
from deploy.errors import UsageError
from deploy.planning import inputs, ledger, planfile
from deploy.planning.planfile import PlanFile

STACK = "production"
CONFIG = "config:\n  kiloscale:supabaseUrl: https://abc.supabase.co\n"
DECLARED = {"format": 1, "stack": STACK, "resources": []}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A small copy of what a plan reads: one source, the lock, two configurations."""
    from deploy import deployment

    root = tmp_path / "repository"
    for name, text in {
        "infra/catalog/services.py": "MEMORY = 512\n",
        "Pulumi.yaml": "name: kiloscale\n",
        "Pulumi.production.yaml": CONFIG,
        "requirements/workspace.lock": "pulumi==3\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(inputs, "REPOSITORY", root)
    monkeypatch.setattr(stackfiles, "FOLDER", root)
    monkeypatch.setattr(deployment, "REPOSITORY", root)
    monkeypatch.setattr(inputs, "inputs_digest", lambda service, _: service.name)
    return root


@pytest.fixture
def plan(repository, tmp_path) -> PlanFile:
    return PlanFile(
        stack=STACK,
        commit="4f2c91a",
        created_at=planfile.now(),
        inputs=inputs.of_stack(STACK, state=tmp_path, last_deploy=None),
        declared="d" * 64,
        resources=3,
        changes=("chat-send memorySize: 512 -> 1024",),
        cost={"total": 1.5},
    )


def test_a_plan_is_read_as_it_was_written(plan, tmp_path):
    planfile.write(plan, tmp_path / "plan.json")

    again = planfile.read(tmp_path / "plan.json")

    assert again == replace(
        plan, changes=list(plan.changes), findings=[], cost=dict(plan.cost)
    )
    assert (tmp_path / "plan.json").stat().st_mode & 0o077 == 0


def test_the_members_of_a_plan_file_are_stable(plan, tmp_path):
    planfile.write(plan, tmp_path / "plan.json")

    assert list(json.loads((tmp_path / "plan.json").read_text())) == [
        "format", "stack", "commit", "created_at", "inputs", "declared", "resources",
        "changes", "findings", "cost", "sha256",
    ]  # fmt: skip


def test_nothing_is_stale_while_nothing_changed(plan, tmp_path):
    assert planfile.stale(plan, state=tmp_path) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("infra/catalog/services.py", "MEMORY = 1024\n"),
        ("Pulumi.yaml", "name: other\n"),
        ("Pulumi.production.yaml", f"{CONFIG}  kiloscale:alertEmail: a@example.com\n"),
        ("requirements/workspace.lock", "pulumi==4\n"),
    ],
)
def test_a_changed_file_is_named(plan, repository, tmp_path, name, text):
    (repository / name).write_text(text)

    assert planfile.stale(plan, state=tmp_path) == [f"{name}: changed"]


def test_a_new_source_and_a_removed_one_are_named(plan, repository, tmp_path):
    (repository / "infra/new.py").write_text("")
    (repository / "infra/catalog/services.py").unlink()

    assert planfile.stale(plan, state=tmp_path) == [
        "infra/catalog/services.py: gone",
        "infra/new.py: new",
    ]


def test_a_zip_of_other_sources_is_named(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(
        inputs,
        "inputs_digest",
        lambda service, _: service.name.replace("chat-send", "other"),
    )

    assert planfile.stale(plan, state=tmp_path) == ["zip chat-send: changed"]


def test_a_library_that_the_configuration_adds_changes_the_zips(
    plan, repository, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        inputs, "inputs_digest", lambda service, target: f"{service}{target.extras}"
    )
    before = inputs.of_stack(STACK, state=tmp_path, last_deploy=None)
    path = repository / "Pulumi.production.yaml"
    path.write_text(f"{CONFIG}  kiloscale:jwksUrl: https://abc.supabase.co/jwks\n")

    after = inputs.of_stack(STACK, state=tmp_path, last_deploy=None)

    assert "zip chat-send: changed" in inputs.changed(before, after)


def test_a_deploy_in_between_makes_a_plan_stale(plan, tmp_path):
    from deploy.deployment import Deployment

    records = Deployment(stack=STACK, progress=print, state=tmp_path).records
    ledger.save(records, DECLARED)

    assert planfile.stale(plan, state=tmp_path) == [
        "what the last deploy declared: changed"
    ]


def test_other_passwords_of_the_local_stack_make_a_plan_stale(repository, tmp_path):
    (repository / "Pulumi.local.yaml").write_text("config: {}\n")
    before = inputs.of_stack("local", state=tmp_path, last_deploy=None)
    (tmp_path / "stack.json").write_text("{}")
    after = inputs.of_stack("local", state=tmp_path, last_deploy=None)

    assert inputs.changed(before, after) == [f"{inputs.LOCAL_FACTS}: changed"]


def test_an_edited_plan_is_refused(plan, tmp_path):
    path = tmp_path / "plan.json"
    planfile.write(plan, path)
    path.write_text(path.read_text().replace('"resources": 3', '"resources": 4'))

    with pytest.raises(UsageError, match="was edited after it was written"):
        planfile.read(path)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is no plan"),
        ("[]", "is no plan"),
        ('{"format": 1}', "is no plan"),
        ('{"format": 9, "sha256": ""}', "has format 9; this version reads 1"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path, text, what):
    (tmp_path / "plan.json").write_text(text)

    with pytest.raises(UsageError, match=what):
        planfile.read(tmp_path / "plan.json")


def test_a_missing_plan_is_told_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(UsageError, match="there is no such file") as told:
        planfile.read(tmp_path / "plan.json")

    assert told.value.remedy == f"./bootstrap plan --out {tmp_path / 'plan.json'}"


def test_a_plan_is_not_written_into_a_folder_that_is_not_there(plan, tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        planfile.write(plan, tmp_path / "none" / "plan.json")


def test_the_age_of_a_plan_is_counted_from_its_making(plan):
    later = datetime.fromisoformat(plan.created_at) + timedelta(hours=25)

    assert plan.age_s(later) == 25 * 3_600


def test_the_digest_of_what_was_declared_is_the_same_under_every_key():
    def document(value):
        return {"resources": [{"inputs": {"password": {"secret": value}}}]}

    assert ledger.digest(document("a")) == ledger.digest(document("b"))
    assert ledger.digest(document("a")) != ledger.digest({"resources": []})
