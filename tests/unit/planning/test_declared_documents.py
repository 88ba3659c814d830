"""A declared document has no secret, and is the same while nothing changed."""

import json
import re

import pulumi
import pytest

from deploy.planning import changes, declared, ledger
from deploy.planning.recording import Recorded
from infra.policies.resources import SECRET, Registered, Resources

KEY = b"k" * 32
PASSWORD = "correct-horse-battery-staple"
FUNCTION = "aws:lambda/function:Function"


def wrapped(value):
    return {SECRET: "1b47061264138c4ac30d75fd1eb44270", "value": value}


def document(inputs, *, key=KEY, hidden=(PASSWORD,), zips=None, more=()):
    found = [Registered(type=FUNCTION, name="chat-send", inputs=inputs), *more]
    writer = declared.Writer(key=key, hidden=hidden, zips=zips or {})
    recorded = Recorded(
        resources=Resources(found),
        outputs={},
        parents={(FUNCTION, "chat-send"): ("kiloscale:infra:PythonService", "chat")},
    )
    return declared.document("test", recorded, writer), writer


def inputs_of(found):
    return found["resources"][0]["inputs"]


def lines(before, now):
    return [line for each in changes.between(before, now) for line in each.lines()]


def test_numbers_and_structures_are_written_as_they_are_read():
    found, _ = document(
        {"memorySize": 512.0, "policy": '{"Version": "1"}', "list": [{"a": True}]}
    )

    assert inputs_of(found) == {
        "memorySize": 512,
        "policy": {"Version": "1"},
        "list": [{"a": True}],
    }
    assert found["resources"][0]["parent"] == "kiloscale:infra:PythonService/chat"


def test_a_secret_is_a_keyed_digest_at_each_leaf():
    found, writer = document({"environment": wrapped({"A": PASSWORD, "B": "60"})})

    assert re.fullmatch("[0-9a-f]{32}", inputs_of(found)["environment"]["A"]["secret"])
    assert PASSWORD not in json.dumps(found)
    assert writer.exposed == []


def test_the_digest_of_a_short_secret_needs_the_key():
    first, _ = document({"pin": wrapped("1234")})
    second, _ = document({"pin": wrapped("1234")}, key=b"o" * 32)

    assert inputs_of(first) != inputs_of(second)
    assert ledger.digest(first) == ledger.digest(second)


@pytest.mark.parametrize(
    "plain",
    [PASSWORD, f"postgresql://u:{PASSWORD}@h/d", json.dumps({"a": [PASSWORD]})],
)
def test_a_secret_in_a_plain_input_is_found_and_not_written(plain):
    found, writer = document({"tags": {"note": plain}})

    assert PASSWORD not in json.dumps(found)
    assert writer.exposed == [declared.Exposed(resource="chat-send", path="tags.note")]


def test_a_zip_is_written_as_what_it_is_made_from():
    archive = pulumi.FileArchive("../dist/chat-send.zip")
    found, _ = document({"code": archive}, zips={"chat-send": "f" * 64})

    assert inputs_of(found)["code"] == {
        "file": "chat-send.zip",
        "made_from": "f" * 64,
    }


def test_a_long_text_is_digested():
    found, _ = document({"content": "x" * 3_000})

    assert inputs_of(found)["content"]["characters"] == 3_000


def test_the_order_of_registration_does_not_count():
    other = Registered(type="aws:sqs/queue:Queue", name="q", inputs={})
    here, _ = document({}, more=[other])

    assert [each["name"] for each in here["resources"]] == ["chat-send", "q"]


def test_one_changed_memory_is_one_line():
    before, _ = document({"memorySize": 512.0, "timeout": 10.0})
    now, _ = document({"memorySize": 1024.0, "timeout": 10.0})

    assert lines(before, now) == [
        "changed lambda.Function chat-send memorySize: 512 -> 1024"
    ]


def test_nothing_changed_is_no_line():
    before, _ = document({"memorySize": 512.0, "environment": wrapped({"A": "x"})})
    now, _ = document({"memorySize": 512.0, "environment": wrapped({"A": "x"})})

    assert lines(before, now) == []


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (wrapped({"A": "x"}), wrapped({"A": "y"}), "e.A: secret, changed"),
        (wrapped({"A": "x"}), wrapped({}), "e.A: secret, gone"),
        (wrapped({}), wrapped({"A": "y"}), "e.A: secret, new"),
        ({"A": "x"}, wrapped({"A": "x"}), "e.A: secret now"),
        (wrapped({"A": "x"}), {"A": "x"}, "e.A: secret no longer"),
    ],
)
def test_what_became_of_a_secret_is_said_without_its_value(old, new, note):
    before, _ = document({"e": old})
    now, _ = document({"e": new})

    assert f"changed lambda.Function chat-send {note}" in lines(before, now)


def test_other_sources_of_a_zip_are_one_line():
    archive = pulumi.FileArchive("../dist/chat-send.zip")
    before, _ = document({"code": archive}, zips={"chat-send": "e" * 64})
    now, _ = document({"code": archive}, zips={"chat-send": "f" * 64})

    assert lines(before, now) == [
        "changed lambda.Function chat-send code: chat-send.zip changed"
    ]


def test_resources_that_came_and_went_are_named():
    queue = Registered(type="aws:sqs/queue:Queue", name="llm-requests", inputs={})
    with_queue, _ = document({}, more=[queue])
    without, _ = document({})

    assert lines(without, with_queue) == ["added sqs.Queue llm-requests"]
    assert lines(with_queue, without) == ["removed sqs.Queue llm-requests"]


def test_components_are_no_changes():
    group = Registered(type="kiloscale:infra:WorkQueue", name="q", inputs={})
    with_group, _ = document({}, more=[group])

    assert lines(document({})[0], with_group) == []


def test_a_saved_document_is_compared_as_it_was(tmp_path):
    found, _ = document({"memorySize": 512.0})
    ledger.save(tmp_path, found)

    again = ledger.load(tmp_path)

    assert lines(again, found) == []
    assert ledger.digest(again) == ledger.digest(found)
    assert (tmp_path / ledger.FILE).stat().st_mode & 0o077 == 0


def test_a_damaged_document_is_told_with_what_to_do(tmp_path):
    (tmp_path / ledger.FILE).write_text('{"format": 9, "resources": []}')

    with pytest.raises(ledger.DeployError, match=r"damaged \(format 9\)") as told:
        ledger.load(tmp_path)

    assert told.value.remedy == f"rm {tmp_path / ledger.FILE}"


def test_the_key_is_made_once_and_read_by_its_owner_only(tmp_path):
    ledger.make_key(tmp_path)
    first = ledger.key(tmp_path)
    ledger.make_key(tmp_path)

    assert ledger.key(tmp_path) == first
    assert (tmp_path / ledger.KEY_FILE).stat().st_mode & 0o077 == 0
