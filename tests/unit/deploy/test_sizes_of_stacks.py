"""What a stack's file says of its size is what its alarms are compared with."""

import sys

import yaml

from deploy import alarms, sizes, stackfiles
from deploy.checklist import Status
from deploy.smoke import alarms as proof
from infra.catalog.alarms import ALARMS, DATABASE_BYTES
from infra.naming import physical_name


def written(tmp_path, monkeypatch, **values):
    config = {f"kiloscale:{key}": value for key, value in values.items()}
    path = tmp_path / "Pulumi.local.yaml"
    path.write_text(yaml.safe_dump({"config": config}))
    monkeypatch.setattr(stackfiles, "FOLDER", tmp_path)


def test_a_stack_without_a_word_on_it_is_of_the_default_size():
    assert sizes.alarms_of("local") == ALARMS
    assert sizes.alarms_of("of-nobody") == ALARMS


def test_the_alarms_of_a_larger_stack_are_compared_with_its_own_plan(
    tmp_path, monkeypatch
):
    written(tmp_path, monkeypatch, users=2000, planDatabaseGib=100)
    (wanted,) = (
        each for each in sizes.alarms_of("local") if each.name == DATABASE_BYTES.name
    )
    found = {
        physical_name("local", each.name): {
            **alarms._expected(each, "local"),
            "AlarmActions": ["arn:aws:sns:eu:1:kiloscale-local-alarms"],
            "OKActions": ["arn:aws:sns:eu:1:kiloscale-local-alarms"],
            "StateValue": "OK" if each is wanted else "ALARM",
        }
        for each in [*ALARMS, wanted]
    }

    result = alarms.declared(found, "local")

    assert wanted.threshold == 75 * 1024**3
    assert result.status is Status.FAIL  # of the size of 1,000 users
    assert set(result.evidence["differs"]) == {
        "invocations-month",
        "realtime-connections",
    }
    assert proof.choose(found) == wanted


def test_a_wrong_value_is_left_to_the_program_to_refuse(tmp_path, monkeypatch):
    written(tmp_path, monkeypatch, users="many", planDatabaseGib="-1")

    assert sizes.alarms_of("local") == ALARMS


def test_reading_a_size_does_not_import_pulumi():
    import subprocess

    code = "import sys; from deploy.sizes import alarms_of; alarms_of('local');"
    code += " sys.exit('pulumi' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
