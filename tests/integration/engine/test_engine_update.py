"""Updates through the Automation API: done, repeated, failed half-way, lost, cancelled.

The CLI is an imitation (``fake_pulumi.py``): this proves how its events and failures
are handled, and nothing about Pulumi.
"""

import os
import signal
import threading
import time

import pytest
from as_cloud import Mute

from deploy.checklist import Status, Step, run_steps
from deploy.engine.previewing import preview
from deploy.engine.provisioning import provision
from deploy.errors import ExitCode, UsageError

pytestmark = pytest.mark.integration

STEP = Step(id="infrastructure", title="provision", run=provision)


def deploy(deployment):
    """Results by the noun of their id, and the exit code."""
    results, code = run_steps([STEP], deployment, Mute())
    return {each.id.partition(".")[2]: each for each in results}, code


def test_a_first_update_creates_all_and_its_receipt_has_no_secret(fake, make):
    found, code = deploy(make())

    assert code is ExitCode.DONE
    assert found["preview"].title == "3 create; 0 stay as they are"
    assert found["resources"].title == (
        "3 created, 0 updated, 0 replaced, 0 deleted; 0 unchanged"
    )
    assert found["resources"].changed
    assert found["resources"].evidence["update"] == 7
    assert found["resources"].evidence["permalink"].endswith("/updates/7")
    assert found["outputs"].evidence == {
        "functionUrls": {"chat-send": "https://x.lambda-url.on.aws/"}
    }
    assert "the-secret-output" not in str(found)
    assert len(fake.state) == 4


def test_a_second_update_changes_nothing_and_does_not_run_the_engine(fake, make):
    deploy(make())

    found, code = deploy(make())

    assert code is ExitCode.DONE
    assert found["resources"].title.startswith("unchanged: 3 resources")
    assert not found["resources"].changed
    assert sum(" up " in call for call in fake.calls) == 1


def test_a_dry_run_only_previews_and_says_what_would_change(fake, make):
    found, code = deploy(make(dry_run=True))

    assert (code, found["preview"].planned) == (ExitCode.DONE, True)
    assert fake.state == {}
    assert found["preview"].evidence["changes"][0] == {
        "kind": "create",
        "type": "aws:sqs/queue:Queue",
        "name": "llm-requests",
        "why": [],
    }


def test_what_somebody_updated_since_the_preview_is_looked_at_again(fake, make):
    accepted = make()
    accepted.preview = preview(accepted)
    fake.told(update=8)

    found, code = deploy(accepted)

    assert code is ExitCode.LOCKED
    assert found["error"].title == (
        "somebody updated stack production since its preview: update 8, previewed at 7;"
        " nothing was changed"
    )
    assert fake.state == {}


def test_a_failure_half_way_names_resource_and_reason_and_a_resume_goes_on(fake, make):
    fake.told(fail={"chat-send": "creating Lambda Function: api_key=abc123 refused"})

    found, code = deploy(make())

    assert code is ExitCode.HALF_DONE
    failed = found["chat-send"]
    assert failed.title == (
        "create aws:lambda/function:Function chat-send failed:"
        " creating Lambda Function: api_key=*** refused"
    )
    assert found["resources"].title == (
        "stopped: 2 of 3 changes are done and stay; the state knows them, and deploying"
        " again goes on; 1 failed"
    )
    assert found["resources"].remedy == "./bootstrap deploy --resume"

    fake.told(fail={})
    again, code = deploy(make())
    assert code is ExitCode.DONE
    assert again["resources"].title.startswith("1 created")


def test_a_failure_before_anything_changed_is_not_half_done(fake, make):
    fake.told(fail={"llm-requests": "AccessDenied: not authorized: sqs:CreateQueue"})

    found, code = deploy(make())

    assert code is ExitCode.FAILED
    assert "nothing was changed; 1 failed" in found["resources"].title


def test_credentials_that_a_provider_refuses_are_recognised(fake, make):
    fake.told(fail={"llm-requests": "ExpiredToken: the security token is expired"})

    found, _ = deploy(make())

    assert found["llm-requests"].remedy.startswith("aws sso login")


def test_a_queue_is_not_replaced_unless_it_is_named(fake, make):
    deploy(make())
    fake.changed("llm-requests", fifo=True)

    found, code = deploy(make())

    assert code is ExitCode.USAGE
    assert found["error"].title == (
        "the update would lose something for good: replace aws:sqs/queue:Queue"
        " llm-requests: the messages in it are lost. Nothing was changed"
    )
    assert found["error"].remedy == "./bootstrap deploy --allow-replace llm-requests"
    assert fake.state["llm-requests"]["inputs"]["fifo"] is False

    again, code = deploy(make(allowed_losses=("llm-requests",)))
    assert code is ExitCode.DONE
    assert again["resources"].evidence["done"] == {
        "replace": ["aws:sqs/queue:Queue llm-requests"]
    }


def test_a_queue_is_not_deleted_unless_it_is_named(fake, make):
    deploy(make())
    fake.told(program=[p for p in fake.scenario["program"] if p["name"] == "chat-send"])

    found, code = deploy(make(dry_run=True))

    assert code is ExitCode.DONE
    assert found["loss-llm-requests"].status is Status.WARN
    assert found["preview"].title == "2 delete; 1 stay as they are"
    with pytest.raises(UsageError, match="delete aws:sqs/queue:Queue llm-requests"):
        list(provision(make()))


def test_a_loss_that_is_counted_and_not_told_of_is_refused(fake, make):
    deploy(make())
    fake.told(program=fake.scenario["program"][1:2], untold=["chat-send"])

    found, code = deploy(make(dry_run=True))

    assert code is ExitCode.FAILED
    assert found["error"].title.startswith("the engine counts 1 delete more than it")


def test_an_update_in_place_needs_no_word_and_says_what_differs(fake, make):
    deploy(make())
    fake.changed("llm-requests", visibility=90)

    found, code = deploy(make())

    assert code is ExitCode.DONE
    assert found["preview"].evidence["changes"][0]["why"] == ["visibility"]
    assert found["resources"].title.startswith("0 created, 1 updated")


def test_warnings_of_the_engine_are_shown_without_their_colours(fake, make):
    fake.told(warnings=["Attempting to deploy with 1 pending operations from previous"])

    found, _ = deploy(make(dry_run=True))

    assert found["warnings"].title.endswith("1 pending operations from previous")


def test_progress_counts_what_is_done(fake, make, said, monkeypatch):
    monkeypatch.setattr("deploy.engine.watch.SAY_EVERY_S", 0.0)
    fake.told(seconds=0.05)

    deploy(make())

    assert any(text.startswith("2 of 3 done, create chat-send") for text in said)


def cancel(fake, resource, times):
    """Press Ctrl-C while a resource is being made."""

    def press():
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and resource not in fake.state:
            time.sleep(0.01)
        for _ in range(times):
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def test_ctrl_c_lets_what_has_begun_end_and_says_what_is_left(fake, make, said):
    fake.told(seconds=0.4)
    thread = cancel(fake, "llm-requests", 1)

    found, code = deploy(make())

    thread.join()
    assert code is ExitCode.INTERRUPTED
    assert found["error"].title == (
        "the update was cancelled: 2 of 3 changes are done and stay; the state knows"
        " them, and deploying again goes on; nothing was under way"
    )
    assert found["error"].remedy == "./bootstrap deploy --resume"
    assert set(fake.state) == {"llm-requests-parts", "llm-requests", "chat-send-role"}
    assert any(text.startswith("cancelling: ") for text in said)


def test_a_second_ctrl_c_ends_at_once_and_names_what_is_unknown(fake, make):
    fake.told(seconds=1.0)
    thread = cancel(fake, "llm-requests-parts", 2)

    found, code = deploy(make())

    thread.join()
    assert code is ExitCode.INTERRUPTED
    assert found["error"].title.endswith(
        "llm-requests had begun and may exist without the state knowing it"
    )
    assert found["error"].remedy.startswith("pulumi refresh --stack production, then")
