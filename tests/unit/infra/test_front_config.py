import pytest
from infra_front import CLOUDFRONT, WORKER
from infra_recording import PLAIN, SECRETS

from infra.config import StackConfig
from infra.config_values import ConfigError, Values

pytestmark = pytest.mark.usefixtures("event_loop")

FULL = dict(WORKER)
FILE = "Pulumi.production.yaml: kiloscale:"


def read(*, stack="production", without=(), **changes):
    given = {**PLAIN, **SECRETS, **changes}
    kept = {key: value for key, value in given.items() if key not in without}
    return StackConfig.read(Values(stack=stack, given=kept, secrets=set(SECRETS))).front


def problems(**changes):
    with pytest.raises(ConfigError) as caught:
        read(**changes)
    return str(caught.value)


def test_without_a_front_every_user_is_ours_and_there_is_no_address():
    front = read()

    assert (front.mode, front.percent, front.base_url) == ("none", 100, "")


def test_a_front_has_the_functions_of_supabase_behind_it():
    front = read(**FULL)

    assert front.base_url == "https://api.example.com/functions/v1"
    assert front.present == "https://abc.supabase.co/functions/v1"
    assert front.routing.present == "/functions/v1"
    assert front.routing.percent == 5


def test_the_present_functions_may_be_elsewhere_or_nowhere():
    elsewhere = read(**FULL | {"cutoverFrom": "https://abc.functions.supabase.co"})
    nowhere = read(**FULL | {"cutoverFrom": "none", "cutoverPercent": "100"})

    assert (elsewhere.present_host, elsewhere.routing.present) == (
        "abc.functions.supabase.co",
        "",
    )
    assert nowhere.routing.present is None


def test_a_share_that_is_no_percentage_is_refused_with_its_range():
    for value in ("-1", "101", "5.5", "5%", "five", "٥"):
        assert problems(**FULL | {"cutoverPercent": value}) == (
            f"{FILE}cutoverPercent: must be a whole number from 0 to 100, the share of"
            " users in percent whose requests go to Kiloscale's functions, got"
            f" {value}; run `pulumi config set cutoverPercent 0`"
        )


def test_a_share_that_no_front_would_keep_is_refused():
    assert problems(cutoverPercent="5") == (
        f"{FILE}cutoverPercent: is 5, but with front none nothing shares requests out;"
        " run `pulumi config set front worker` (or cloudfront), or `pulumi config set"
        " cutoverPercent 100`"
    )


def test_a_share_without_a_second_side_is_refused():
    assert problems(**FULL | {"cutoverFrom": "none"}) == (
        f"{FILE}cutoverFrom: is none, but at cutoverPercent 5 the other users need"
        " the app's present functions; run `pulumi config rm cutoverFrom`, or"
        " `pulumi config set cutoverPercent 100`"
    )


@pytest.mark.parametrize(
    "value",
    [
        "http://abc.supabase.co/functions/v1",
        "https://abc.supabase.co/functions/v1/",
        "https://abc.supabase.co/functions/v1?x=1",
        "https://u:p@abc.supabase.co",
        "https://127.0.0.1:54321/functions/v1",
        "https://abc.supabase.co:8443",
        "https://abc.supabase.co/../x",
        "abc.supabase.co",
        "https://",
    ],
)
def test_a_base_that_no_request_could_be_sent_to_is_refused(value):
    text = problems(**FULL | {"cutoverFrom": value})

    assert text.startswith(f"{FILE}cutoverFrom: must ")
    assert text.endswith(f", got {value}")


def test_what_a_worker_needs_is_named_with_its_command():
    keys = ("apiDomain", "cloudflareAccountId", "cloudflareZoneId")

    text = problems(without=keys, **FULL)

    assert text.splitlines() == [
        (
            f"{FILE}apiDomain: missing, and front worker needs it: the host that the"
            " app calls, e.g. api.example.com; run `pulumi config set apiDomain ...`"
        ),
        (
            f"{FILE}cloudflareAccountId: missing, and front worker needs it: the"
            " account that runs the Worker; run"
            " `pulumi config set cloudflareAccountId ...`"
        ),
        (
            f"{FILE}cloudflareZoneId: missing, and front worker needs it: the zone of"
            " apiDomain; run `pulumi config set cloudflareZoneId ...`"
        ),
    ]


def test_cloudfront_needs_a_certificate_or_a_zone_that_proves_one():
    text = problems(without=("route53ZoneId",), **dict(CLOUDFRONT))

    assert text.startswith(f"{FILE}certificateArn: missing, and front cloudfront needs")


def test_a_front_cannot_ask_itself():
    text = problems(
        **FULL
        | {"apiDomain": "fn.example.com", "cutoverFrom": "https://fn.example.com"}
    )

    assert text.startswith(f"{FILE}apiDomain: must not be the host of the present")


def test_the_local_stack_shares_out_only_with_functions_on_this_machine():
    there = "http://127.0.0.1:54321/functions/v1"

    front = read(stack="local", cutoverPercent="50", cutoverFrom=there)

    assert (front.mode, front.percent, front.present) == ("none", 50, there)
    text = problems(stack="local", cutoverPercent="50")
    assert "kiloscale:cutoverFrom: missing, and cutoverPercent 50 needs it here" in text


def test_the_local_stack_cannot_be_its_own_other_side():
    with pytest.raises(ConfigError, match="must not be the local stack itself"):
        read(
            stack="local",
            cutoverPercent="50",
            cutoverFrom="https://abc.supabase.co/functions/v1",
        )
