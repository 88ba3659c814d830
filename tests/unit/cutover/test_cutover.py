import httpx
import pytest

from deploy.checklist import Status, run_steps
from deploy.cutover import steps
from deploy.cutover.probes import boundaries, user_of_bucket
from deploy.cutover.shares import Share, read_percent
from deploy.deployment import Deployment
from deploy.errors import ExitCode, UsageError
from infra.catalog.front import SHARED, public_services
from infra.front_config import FrontConfig
from infra.front_routing import Front, bucket_of, decide

THERE = "https://abc.supabase.co/functions/v1"


class Nobody:
    """Watches nothing."""

    def step_started(self, step_id, title):
        pass

    def checked(self, result):
        pass


def share(percent=5, mode="worker", present=THERE):
    front = FrontConfig(
        mode=mode, domain="api.example.com", percent=percent, present=present
    )
    return Share(stack="production", front=front, base=front.base_url)


def real_front(percent):
    """A front that keeps a share, by the reference; it counts what it is asked."""
    asked = []
    front = Front(
        percent=percent,
        ours=tuple(public_services()),
        shared=SHARED,
        present="/functions/v1",
    )

    def answer(request):
        asked.append(request)
        token = request.headers.get("authorization", "")
        decision = decide(request.url.path, token, front)
        if decision.side == "none":
            return httpx.Response(404)
        return httpx.Response(204, headers={"x-kiloscale-origin": decision.side})

    return answer, asked


def results(configured, answer, percent=None):
    def connect(_):
        return httpx.Client(transport=httpx.MockTransport(answer))

    deployment = Deployment(stack="production", progress=lambda _: None)
    checked = steps.checklist(configured, percent, connect)
    found, code = run_steps(checked, deployment, Nobody())
    return {each.id: each for each in found}, code


@pytest.mark.parametrize("percent", [0, 1, 5, 50, 99, 100])
def test_a_front_that_keeps_the_share_is_proved_at_its_boundaries(percent):
    answer, asked = real_front(percent)

    found, code = results(share(percent), answer)

    assert {each.status for each in found.values()} == {Status.PASS}
    assert code is ExitCode.DONE
    assert {each.method for each in asked[:-1]} == {"OPTIONS"}


def test_a_front_with_another_share_is_found_at_both_boundaries():
    answer, _ = real_front(6)

    found, code = results(share(5), answer)

    failed = [each for each in found.values() if each.status is Status.FAIL]
    assert [each.title for each in failed] == [
        "chat-send, bucket 5: ours answered, not present"
    ]
    assert failed[0].remedy == (
        "pulumi config set cutoverPercent 5 --stack production &&"
        " ./bootstrap deploy --only infrastructure --stack production"
    )
    assert code is ExitCode.NOT_VERIFIED


def test_an_address_that_is_no_front_does_not_pass():
    found, code = results(share(5), lambda _: httpx.Response(200))

    assert found["answers.chat-send-0"].title == (
        "chat-send, bucket 0: no front answered, not ours"
    )
    assert found["answers.other-paths"].status is Status.FAIL
    assert code is ExitCode.NOT_VERIFIED


def test_an_error_that_names_no_side_is_a_warning_and_not_a_proof():
    found, _ = results(share(5), lambda _: httpx.Response(401))

    assert found["answers.chat-send-0"].status is Status.WARN


def test_no_answer_is_a_failure_with_its_reason():
    def refuse(request):
        raise httpx.ConnectError("name does not resolve", request=request)

    found, _ = results(share(5), refuse)

    assert found["answers.health-check"].title == (
        "health-check: no answer (ConnectError: name does not resolve)"
    )
    assert "answers.chat-send-0" not in found


def test_without_a_front_it_says_that_no_share_is_kept():
    configured = Share(stack="production", front=FrontConfig(), base="")

    found, code = results(configured, lambda _: httpx.Response(500))

    assert found["answers.front"].status is Status.SKIPPED
    assert code is ExitCode.DONE


@pytest.mark.parametrize(
    ("percent", "what"),
    [
        (50, "50 %: 45 of 100 buckets more come to us, and nobody leaves"),
        (0, "0 %: 5 of 100 buckets go back to the present functions"),
        (5, "5 %: that is the share"),
    ],
)
def test_a_planned_share_says_what_moves_and_how_to_go_back(percent, what):
    answer, _ = real_front(5)

    planned = results(share(5), answer, percent)[0]["share.planned"]

    assert planned.title == what
    assert f"cutoverPercent {percent} " in planned.evidence["on"]
    assert "cutoverPercent 5 " in planned.evidence["back"]


def test_a_planned_share_without_the_other_side_is_refused():
    answer, _ = real_front(100)

    planned = results(share(100, present=""), answer, 50)[0]["share.planned"]

    assert planned.status is Status.FAIL
    assert "set cutoverFrom first" in planned.title


def test_a_probe_is_of_a_user_in_its_bucket():
    assert [bucket_of(user_of_bucket(each)) for each in range(100)] == list(range(100))


def test_the_boundaries_of_a_share_are_the_last_of_ours_and_the_first_of_theirs():
    assert list(boundaries(5)) == [
        (0, "ours"),
        (4, "ours"),
        (5, "present"),
        (99, "present"),
    ]


@pytest.mark.parametrize("text", ["-1", "101", "5.5", "half", "٥", "9" * 5000])
def test_a_percentage_must_be_one(text):
    with pytest.raises(UsageError, match="must be a whole number from 0 to 100"):
        read_percent(text)
