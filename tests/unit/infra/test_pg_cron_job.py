"""The pg_cron jobs in the program: which there are, and what stands in the state."""

import base64
import subprocess
import sys
from importlib.metadata import packages_distributions

from infra_recording import record
from pulumi.runtime.rpc import UNKNOWN

from deploy.paths import REPOSITORY
from deploy.planning.recording import whole_program
from infra.catalog.pg_crons import PG_CRON_JOBS
from infra.components.pg_cron_job import PgCronJob, PgCronJobArgs
from infra.pg_cron_provider import VERSION, PgCronProvider
from infra.policies.resources import is_secret

JOB = "pulumi-python:dynamic/kiloscale:PgCronJob"
COMPONENT = "kiloscale:infra:PgCronJob"

TIDY = PgCronJobArgs(
    stack="production", job="tidy", schedule="0 2 * * *", command="call tidy()"
)


def jobs(resources):
    return [each for each in resources if each.type == JOB]


def test_each_job_of_the_catalog_is_a_resource_of_a_cloud_stack(stack):
    declared = [
        (each.get("jobname"), each.get("schedule"), each.get("command"))
        for each in jobs(stack[0])
    ]

    assert sorted(declared) == sorted(
        (job.name, job.schedule, job.command) for job in PG_CRON_JOBS
    )
    components = {each.name for each in stack[0] if each.type == COMPONENT}
    assert components == {job.name for job in PG_CRON_JOBS}


def test_a_preview_declares_them_too(preview):
    assert len(jobs(preview)) == len(PG_CRON_JOBS)


def test_the_local_stack_has_none_for_its_checklist_schedules_them():
    resources, _ = record(whole_program, stack="local")

    assert jobs(resources) == []


def test_a_job_knows_the_stack_and_no_secret(provision):
    resources = provision(lambda: PgCronJob("tidy", TIDY))

    inputs = {**resources[JOB, "tidy"].inputs}
    assert is_secret(inputs["__provider"])
    # Stands in every stack's state: another module or class could not be loaded.
    pickled = base64.b64decode(inputs.pop("__provider")["value"])
    assert b"infra.pg_cron_provider" in pickled
    assert b"PgCronProvider" in pickled
    assert len(pickled) < 100
    assert inputs == {
        "stack": "production",
        "jobname": "tidy",
        "schedule": "0 2 * * *",
        "command": "call tidy()",
        "version": VERSION,
    }


def test_a_job_gives_its_name_to_the_program(provision):
    names = []

    def program():
        PgCronJob("tidy", TIDY).name.apply(names.append)

    provision(program)

    assert names == ["tidy"]


def test_nothing_else_is_outside_of_aws(stack):
    kinds = {each.type for each in stack[0]}

    ours = {kind for kind in kinds if kind.startswith(("aws:", "kiloscale:"))}
    assert kinds - ours == {JOB}


def test_a_value_that_is_unknown_in_a_preview_is_not_judged():
    provider = PgCronProvider()
    provider.url = "postgresql://app:pw@db.example/app"
    news = {"jobname": "tidy", "schedule": UNKNOWN, "command": ""}

    checked = provider.check({}, news)

    assert [failure.property for failure in checked.failures] == ["command"]
    assert checked.inputs == {**news, "database": "app@db.example:5432/app"}


def test_what_the_engine_loads_is_installed_by_pulumi_up():
    lock = (REPOSITORY / "requirements" / "program.lock").read_text().splitlines()
    pins = {line.partition("==")[0] for line in lock if line[:1].isalpha()}
    code = (
        "import sys, infra.pg_cron_provider, deploy.crons.single"
        "; import deploy.crons.definition"
        "; print(*{name.partition('.')[0] for name in sys.modules})"
    )

    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    installed = {*pins, "kiloscale", "setuptools"}
    owners = packages_distributions()
    lacking = [
        name
        for name in told.stdout.split()
        if name in owners
        # Several distributions may share a module's name: google, for one.
        and not any(
            owner.lower().replace("_", "-") in installed for owner in owners[name]
        )
    ]
    assert lacking == []


def test_the_engine_finds_the_virtual_environment_from_the_program_s_folder():
    # It starts providers in `main` and takes `virtualenv` from there, not from the
    # folder of Pulumi.yaml (pulumi/pulumi#7061).
    link = REPOSITORY / "infra" / ".venv"

    assert str(link.readlink()) == "../.venv"
