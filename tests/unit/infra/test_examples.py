"""The example files: complete, accepted, and true in what they say."""

import re

import pytest
import yaml
from infra_recording import SECRETS

from deploy import stackfiles
from deploy.paths import REPOSITORY
from infra.catalog.models import PRICES
from infra.catalog.secrets import SECRETS as DECLARED
from infra.catalog.sizes import SIZES
from infra.catalog.spending import most_usd
from infra.config import StackConfig
from infra.config_values import Values

pytestmark = pytest.mark.usefixtures("event_loop")

START = "Pulumi.production.example.yaml"
COMPLETE = (
    "Pulumi.supabase-cloudflare.example.yaml",
    "Pulumi.supabase-cloudfront.example.yaml",
    "Pulumi.postgres.example.yaml",
)
OF_THE_EDGE = {
    *("cdn", "cdnDomain", "purgeKey", "front", "apiDomain", "cutoverPercent"),
    *("cutoverFrom", "cloudflareAccountId", "cloudflareZoneId"),
    *("route53ZoneId", "certificateArn"),
}
NOT_OF = {
    "Pulumi.supabase-cloudflare.example.yaml": {"jwtIssuer"},
    "Pulumi.supabase-cloudfront.example.yaml": {"jwtIssuer", "purgeKey"},
    "Pulumi.postgres.example.yaml": {
        *("supabaseUrl", "supabaseServiceKey"),
        *OF_THE_EDGE,
    },
}
NEEDED = {**SECRETS, "purgeKey": "p" * 40}


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def words_of(name: str) -> str:
    """The comments as one line."""
    return " ".join(text_of(name).replace("#", "").split())


def secrets_of(name: str) -> dict[str, str]:
    """The secrets that the example tells to set, and that are needed."""
    told = set(re.findall(r"pulumi config set --secret (\w+)", text_of(name)))
    return {key: value for key, value in NEEDED.items() if key in told}


def read(name: str, **changes: str) -> Values:
    secrets = secrets_of(name)
    values = {
        **stackfiles.defaults(),
        **stackfiles.of_file(REPOSITORY / name),
        **{f"kiloscale:{key}": value for key, value in {**secrets, **changes}.items()},
    }
    return Values.from_pulumi(
        "production", values, [f"kiloscale:{each.config}" for each in DECLARED]
    )


@pytest.mark.parametrize("name", [START, *COMPLETE])
def test_an_example_with_its_secrets_set_is_accepted_without_a_warning(name):
    values = read(name)

    config = StackConfig.read(values)

    assert values.warnings == []
    assert config.allowed_origins == ("https://app.example.com",)
    assert (config.supabase_url == "") == ("postgres" in name)


@pytest.mark.parametrize("name", COMPLETE)
def test_a_complete_example_names_every_key(name):
    values = read(name)
    StackConfig.read(values)
    keys = values.asked - NOT_OF[name]

    text = text_of(name)

    secret = {each.config for each in DECLARED}
    unnamed = {
        key
        for key in keys
        if (f"set --secret {key} " if key in secret else f"kiloscale:{key}:")
        not in text.replace("\n", " \n")
    }
    assert unnamed == set()


@pytest.mark.parametrize("name", [START, *COMPLETE])
def test_an_example_copies_itself_and_gives_away_no_secret(name):
    assert f"cp {name} Pulumi.production.yaml" in text_of(name)
    config = yaml.safe_load(text_of(name))["config"]
    assert not {f"kiloscale:{each.config}" for each in DECLARED} & set(config)


def test_the_start_names_the_complete_ones():
    for name in COMPLETE:
        assert name in text_of(START)


@pytest.mark.parametrize("name", COMPLETE)
def test_an_example_names_the_concurrency_that_reserving_needs(name):
    # Lambda keeps 100 unreserved (quotas, "Concurrent executions").
    least = [SIZES[users].reserved_concurrency + 100 for users in sorted(SIZES)]

    assert "least {} concurrent executions, {} for 2000 users, {} for 5000".format(
        *least
    ) in words_of(name)


@pytest.mark.parametrize("name", COMPLETE)
def test_an_example_names_the_budget_that_a_long_conversation_needs(name):
    flash = next(each for each in PRICES if each.model == "gemini-2.5-flash")

    (told,) = re.findall(r"below ([\d.]+) gemini-2\.5-flash answers", words_of(name))

    assert 0 <= float(told) - most_usd(flash) < 0.0001


@pytest.mark.parametrize("name", COMPLETE)
def test_an_example_for_more_users_needs_only_what_it_says(name):
    large = read(
        name,
        users="2000",
        poolerClients="0",
        limitStore="redis",
        redisUrl="rediss://:pw@redis.example.com:6379/0",
        databaseReplicaUrl="postgresql://u:pw@replica.example.com:6543/postgres",
    )

    StackConfig.read(large)

    assert large.warnings == []
