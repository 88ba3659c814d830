import doctest
import json
from pathlib import Path

import pytest

from deploy.emulator import kinds, record
from deploy.emulator.kinds import Zip, translate
from deploy.emulator.mocks import digest_of
from deploy.emulator.provision import inputs_digest
from deploy.emulator.roles import (
    with_implied_actions,
    with_log_groups,
    without_unknown_conditions,
)
from deploy.emulator.table import KINDS, kind_of
from deploy.errors import DeployError
from deploy.local.facts import new_stack
from infra import naming


def test_an_unknown_type_is_named_with_the_place_to_add_it():
    with pytest.raises(DeployError) as error:
        kind_of("aws:s3/bucket:Bucket", "alerts")

    text = str(error.value)
    assert text.startswith("aws:s3/bucket:Bucket (alerts): the local stack cannot make")
    assert "add its kind to deploy/emulator/table.py" in text
    assert all(known in text for known in KINDS)


def test_an_input_that_would_be_lost_is_refused():
    with pytest.raises(ValueError, match="inputs snapStart, tags"):
        translate({"name": "f", "snapStart": {}, "tags": {}}, {"name": "FunctionName"})


def test_absent_inputs_are_no_arguments():
    names = {"name": "FunctionName", "timeout": "Timeout"}

    assert translate({"name": "f", "timeout": None}, names) == {"FunctionName": "f"}


def test_a_digest_sees_each_value_and_not_where_a_zip_lies():
    here, there = (Zip(path=Path(name), sha256="a") for name in ("x", "y"))
    other = Zip(path=Path("x"), sha256="b")

    assert digest_of({"code": here, "a": 1}) == digest_of({"a": 1, "code": there})
    assert digest_of({"code": here}) != digest_of({"code": other})
    assert digest_of({"a": 1}) != digest_of({"a": 2})


def test_a_condition_that_the_emulator_cannot_judge_is_left_out_and_no_other():
    condition = {
        "StringEquals": {"cloudwatch:namespace": "Kiloscale/local"},
        "Bool": {"aws:SecureTransport": "true"},
    }
    document = json.dumps({"Statement": [{"Action": "a", "Condition": condition}]})

    assert json.loads(without_unknown_conditions(document)) == {
        "Statement": [
            {"Action": "a", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
        ]
    }


@pytest.mark.parametrize("named", ["sqs:SendMessage", ["sqs:SendMessage"]])
def test_who_may_send_a_message_may_send_a_batch_as_on_aws(named):
    document = json.dumps({"Statement": [{"Action": named}, {"Action": "a:B"}]})

    assert json.loads(with_implied_actions(document)) == {
        "Statement": [
            {"Action": ["sqs:SendMessage", "sqs:SendMessageBatch"]},
            {"Action": ["a:B"]},
        ]
    }


def test_who_may_write_to_a_log_groups_streams_may_write_to_the_group_as_on_aws():
    group, queue = "arn:aws:logs:r:1:log-group:/aws/lambda/f", "arn:aws:sqs:r:1:q"
    document = json.dumps(
        {"Statement": [{"Resource": f"{group}:*"}, {"Resource": [queue, "*"]}]}
    )

    assert json.loads(with_log_groups(document)) == {
        "Statement": [
            {"Resource": [f"{group}:*", group]},
            {"Resource": [queue, "*"]},
        ]
    }


def test_the_digest_of_all_inputs_sees_zips_and_the_stack(tmp_path):
    stack = new_stack(tmp_path, home=tmp_path)
    zips = {"chat-send": Zip(path=tmp_path, sha256="a")}

    digest = inputs_digest(zips, stack)

    assert inputs_digest(zips, stack) == digest
    changed = {"chat-send": Zip(path=tmp_path, sha256="b")}
    assert inputs_digest(changed, stack) != digest
    moved = stack.on_ports(postgres=stack.postgres_port + 1)
    assert inputs_digest(zips, moved) != digest


@pytest.mark.parametrize("module", [kinds, record, naming], ids=lambda m: m.__name__)
def test_examples_in_docstrings_are_true(module):
    result = doctest.testmod(module)

    assert result.attempted
    assert not result.failed
