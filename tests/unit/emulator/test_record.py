import json
import stat

import pytest

from deploy.emulator.record import Record, Resource
from deploy.errors import DeployError

QUEUE = Resource(
    type="aws:sqs/queue:Queue",
    name="llm-requests",
    key="kiloscale-local-llm-requests",
    id="http://127.0.0.1:1/0/kiloscale-local-llm-requests",
    digest="d" * 64,
    outputs={"arn": "arn:aws:sqs:eu-central-1:000000000000:q"},
)
ROLE = Resource(type="aws:iam/role:Role", name="r", key="r", id="r", digest="")


def test_what_is_put_is_found_by_the_next_process(tmp_path):
    Record.load(tmp_path).put(QUEUE)

    again = Record.load(tmp_path)

    assert again.resources() == [QUEUE]
    assert again.find("aws:sqs/queue:Queue", "llm-requests") == QUEUE


def test_what_is_put_last_stands_last(tmp_path):
    record = Record.load(tmp_path)
    for resource in (QUEUE, ROLE, QUEUE):
        record.put(resource)

    assert Record.load(tmp_path).resources() == [ROLE, QUEUE]


def test_what_is_removed_is_forgotten(tmp_path):
    record = Record.load(tmp_path)
    record.put(QUEUE)
    record.remove(QUEUE)

    assert Record.load(tmp_path).resources() == []
    assert Record.load(tmp_path).exists


def test_only_the_owner_may_read_the_file(tmp_path):
    Record.load(tmp_path).put(QUEUE)

    mode = (tmp_path / "resources.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps({"resources": [{"type": "x"}]})]
)
def test_a_damaged_file_is_named_with_the_way_out(tmp_path, text):
    path = tmp_path / "resources.json"
    path.write_text(text)

    with pytest.raises(DeployError, match=r"resources\.json: damaged") as error:
        Record.load(tmp_path)

    assert error.value.remedy == f"rm {path} && ./bootstrap deploy"


def test_a_resource_is_named_for_a_person():
    assert QUEUE.title == "sqs.Queue llm-requests"
