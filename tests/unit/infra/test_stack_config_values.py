# ruff: noqa: E501  # one key a line reads as a table
"""Every key of a stack: what is said where it is missing, and where it is wrong."""

from contextlib import suppress

import pytest
from infra_recording import PLAIN, SECRETS

from infra.catalog.secrets import SECRETS as DECLARED
from infra.config import StackConfig
from infra.config_values import ConfigError, Values

pytestmark = pytest.mark.usefixtures("event_loop")

OPTIONAL = None
PLAIN_RUN = "missing; run `pulumi config set {key} ...`"
SECRET_RUN = "missing; run `pulumi config set --secret {key}`"
LIST_RUN = "missing; run `pulumi config set --path '{key}[0]' ...`"
RETENTIONS = "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653"
DEAD_KEY = "k" * 20
WRONG_URI = "mysql://root:hunter2@db.example.com/app"

# Key; what is said without it, or OPTIONAL; a wrong value; what is said of that.
TABLE = [
    ("users", PLAIN_RUN, "3000", "must be one of 1000, 2000, 5000, got 3000"),
    ("poolerClients", PLAIN_RUN, "-1", "must be a whole number from 0 to 20,000, got -1"),
    ("planDatabaseGib", PLAIN_RUN, "8.5", "must be a whole number from 0 to 61,440, got 8.5"),
    ("planInvocations", PLAIN_RUN, "1e6", "must be a whole number from 0 to 10,000,000,000, got 1e6"),
    ("planRealtimeConnections", PLAIN_RUN, "100001", "must be a whole number from 0 to 100,000, got 100001"),
    ("databaseUrl", SECRET_RUN, WRONG_URI, "must be a connection URI, postgresql://..."),
    ("databaseReplicaUrl", OPTIONAL, WRONG_URI, "must be a connection URI, postgresql://..."),
    ("jwtSecret", SECRET_RUN, DEAD_KEY, "must have at least 32 characters, got 20"),
    ("jwksUrl", OPTIONAL, "keys.json", "must be a URL, https://..., got keys.json"),
    ("jwtIssuer", OPTIONAL, "two words", "must be one word, as in the tokens' iss, got two words"),
    ("internalApiKey", SECRET_RUN, DEAD_KEY, "must have at least 32 characters, got 20"),
    ("supabaseUrl", "missing, and supabaseServiceKey is there: realtime needs both; run `pulumi config set supabaseUrl ...`", "http://abc.supabase.co", "must be https, got http://abc.supabase.co"),
    ("supabaseServiceKey", "missing, and supabaseUrl is there: realtime needs both; run `pulumi config set --secret supabaseServiceKey`", DEAD_KEY + " ", "must be one word without spaces"),
    ("geminiApiKey", "needed, or openaiApiKey: both are missing", DEAD_KEY + " x", "must be one word without spaces"),
    ("geminiBaseUrl", PLAIN_RUN, "ftp://a.example", "must be a URL, https://..., got ftp://a.example"),
    ("openaiApiKey", OPTIONAL, "two " + DEAD_KEY, "must be one word without spaces"),
    ("openaiBaseUrl", PLAIN_RUN, "api.openai.com", "must be a URL, https://..., got api.openai.com"),
    ("allowedOrigins", LIST_RUN, '["https://a.example/x"]', "must end after the host, without a path or slash, got https://a.example/x"),
    ("logRetentionDays", PLAIN_RUN, "31", f"must be one of {RETENTIONS}, got 31"),
    ("reserveConcurrency", PLAIN_RUN, "yes", "must be true or false, got yes"),
    ("limitStore", PLAIN_RUN, "disk", "must be one of postgres, redis, memory, got disk"),
    ("redisUrl", OPTIONAL, "redis://:hunter2@redis.example.com", "must be rediss://..., which encrypts: it carries a password"),
    ("extractionPolicy", PLAIN_RUN, "never", "must be one of gathered, debounced, sampled, every-turn, got never"),
    ("llmDayBudgetUsd", PLAIN_RUN, "0", "must be a number from 0.001 to 1000, got 0"),
    ("monthlyBudgetUsd", PLAIN_RUN, "-5", "must be a number from 0 to 100000, got -5"),
    ("alertEmail", OPTIONAL, "a@b.com, c@d.com", "must be one email address, got a@b.com, c@d.com"),
    ("alertWebhook", OPTIONAL, "http://hooks.example.com/T0", "must be a URL, https://..."),
    ("cdn", PLAIN_RUN, "varnish", "must be one of none, worker-cache, worker-cache-api, cache-rules, cloudfront, got varnish"),
    ("cdnDomain", OPTIONAL, "https://cdn.example.com", "must be a host name in lower case, cdn.example.com, got https://cdn.example.com"),
    ("purgeKey", OPTIONAL, DEAD_KEY, "must have at least 32 characters, got 20"),
    ("cloudflareAccountId", OPTIONAL, "xyz", "must have 32 hexadecimal digits in lower case, got xyz; the zone's Overview page in the Cloudflare dashboard shows it"),
    ("cloudflareZoneId", OPTIONAL, "xyz", "must have 32 hexadecimal digits in lower case, got xyz; the zone's Overview page in the Cloudflare dashboard shows it"),
    ("route53ZoneId", OPTIONAL, "zone", "must be a hosted zone's id, Z..., got zone"),
    ("certificateArn", OPTIONAL, "arn:aws:acm:eu-central-1:123456789012:certificate/x", "must be an ARN, arn:aws:acm:us-east-1:..., got arn:aws:acm:eu-central-1:123456789012:certificate/x"),
    ("front", PLAIN_RUN, "nginx", "must be one of none, cloudfront, worker, got nginx"),
    ("apiDomain", OPTIONAL, "api", "must be a host name in lower case, cdn.example.com, got api"),
    ("cutoverPercent", PLAIN_RUN, "101", "must be a whole number from 0 to 100, the share of users in percent whose requests go to Kiloscale's functions, got 101; run `pulumi config set cutoverPercent 0`"),
    ("cutoverFrom", OPTIONAL, "http://x.example.com/functions/v1", "must be none or a URL, https://..., got http://x.example.com/functions/v1"),
    ("smokeUserId", OPTIONAL, "me", "must be a uuid, 8-4-4-4-12 hexadecimal digits, got me"),
]  # fmt: skip


def read(given: dict[str, str]) -> Values:
    """The values after they were read, whether they were right or wrong."""
    secrets = {*SECRETS, *(each.config for each in DECLARED)}
    values = Values(stack="production", given=given, secrets=secrets)
    with suppress(ConfigError):
        StackConfig.read(values)
    return values


def said_of(key: str, given: dict[str, str]) -> list[str]:
    """What is said of one key."""
    start = f"Pulumi.production.yaml: kiloscale:{key}: "
    found = read(given).problems
    return [each.removeprefix(start) for each in found if each.startswith(start)]


COMPLETE = {**PLAIN, **SECRETS}


def test_every_key_of_a_stack_has_a_row():
    assert sorted(row[0] for row in TABLE) == sorted(read(COMPLETE).asked)


def test_the_complete_configuration_is_accepted():
    assert read(COMPLETE).problems == []


@pytest.mark.parametrize(
    ("key", "missing"), [row[:2] for row in TABLE], ids=lambda v: str(v)[:24]
)
def test_a_missing_key_is_named_with_what_to_do_or_is_optional(key, missing):
    given = {name: value for name, value in COMPLETE.items() if name != key}

    expected = [] if missing is OPTIONAL else [missing.format(key=key)]
    assert said_of(key, given) == expected


@pytest.mark.parametrize(
    ("key", "wrong", "what"),
    [(row[0], row[2], row[3]) for row in TABLE],
    ids=lambda v: str(v)[:24],
)
def test_a_wrong_value_is_told_with_what_it_must_be(key, wrong, what):
    assert said_of(key, {**COMPLETE, key: wrong}) == [what]


@pytest.mark.parametrize("secret", DECLARED, ids=lambda each: each.config)
def test_what_is_said_of_a_secret_never_holds_it(secret):
    wrong = next(row[2] for row in TABLE if row[0] == secret.config)

    said = read({**COMPLETE, secret.config: wrong}).problems

    assert said
    assert not any(wrong.strip() in each or "hunter2" in each for each in said)


@pytest.mark.parametrize("secret", DECLARED, ids=lambda each: each.config)
def test_every_secret_in_plain_text_is_refused(secret):
    given = {**COMPLETE, secret.config: "rediss://:pw@redis.example.com"}
    values = Values(stack="production", given=given, secrets=())

    with pytest.raises(
        ConfigError, match=f"{secret.config}: stored in plain text; rotate"
    ):
        StackConfig.read(values)


def test_a_plain_postgres_needs_nothing_of_supabase():
    without = {"supabaseUrl", "supabaseServiceKey"}
    given = {key: value for key, value in COMPLETE.items() if key not in without}
    given["jwtIssuer"] = "https://login.example.com"
    values = Values(stack="production", given=given, secrets=set(SECRETS))

    config = StackConfig.read(values)

    assert (config.supabase_url, config.jwt_issuer) == ("", "https://login.example.com")


LARGE = {
    **COMPLETE,
    "users": "2000",
    "limitStore": "redis",
    "redisUrl": "rediss://:pw@redis.example.com",
}


def test_a_large_stack_without_redis_is_refused_and_told_the_command():
    assert said_of("limitStore", {**COMPLETE, "users": "5000"}) == [
        "users 5000 needs redis, got postgres: else every request is a write to the primary; run `pulumi config set limitStore redis`"
    ]
    assert said_of("redisUrl", {**COMPLETE, "limitStore": "redis"}) == [
        "missing, and limitStore is redis; run `pulumi config set --secret redisUrl`"
    ]


def test_a_large_stack_without_a_replica_is_warned():
    values = read(LARGE)

    assert values.problems == []
    assert values.warnings == [
        "Pulumi.production.yaml: kiloscale:databaseReplicaUrl: missing; with users 2000 a read replica should answer for the history, run `pulumi config set --secret databaseReplicaUrl`"
    ]


def test_a_pooler_that_is_too_small_for_the_size_is_refused_with_the_numbers():
    assert said_of("poolerClients", {**LARGE, "poolerClients": "200"}) == [
        "its services are up to 155 clients of the pooler at users 2000, and of 200 it may take 150 (a quarter is the app's); take compute Small or larger"
    ]


def test_the_primary_is_no_replica_of_itself():
    same = {**COMPLETE, "databaseReplicaUrl": COMPLETE["databaseUrl"]}

    assert said_of("databaseReplicaUrl", same) == [
        "must be the replica's, got that of databaseUrl: nothing is spared"
    ]


def test_a_budget_that_refuses_every_message_is_refused():
    assert said_of("llmDayBudgetUsd", {**COMPLETE, "llmDayBudgetUsd": "0.0015"}) == [
        "0.0015 USD refuse every message: 0.0016 are held for the shortest answer of gemini-2.5-flash-lite, the cheapest model with a key; must be at least that"
    ]


def test_a_budget_that_refuses_long_conversations_is_a_warning_with_the_models():
    values = read({**COMPLETE, "llmDayBudgetUsd": "0.02"})

    assert values.problems == []
    assert values.warnings == [
        "Pulumi.production.yaml: kiloscale:llmDayBudgetUsd: 0.02 USD are less than what is held for one answer, in USD: gemini-2.5-pro answers nobody (0.0410), gemini-2.5-flash no long conversation (0.0702), gemini-2.5-flash-lite no long conversation (0.0216)"
    ]


def test_a_monthly_budget_that_tells_nobody_is_refused():
    given = COMPLETE
    quiet = {key: value for key, value in given.items() if not key.startswith("alert")}

    assert said_of("monthlyBudgetUsd", given) == []
    assert said_of("monthlyBudgetUsd", {**quiet, "monthlyBudgetUsd": "0"}) == []
    assert said_of("monthlyBudgetUsd", quiet) == [
        "50 tells nobody: it notifies those who are told of alarms, and alertEmail and alertWebhook are both missing"
    ]


def test_a_monthly_budget_of_some_cents_is_refused():
    assert said_of("monthlyBudgetUsd", {**COMPLETE, "monthlyBudgetUsd": "0.004"}) == [
        "must be 0 for no budget, or at least 1, got 0.004"
    ]


def test_the_bounds_of_an_answer_are_those_of_the_service_that_holds_them():
    from functions.llm_handler import prompts, queries
    from functions.shared.providers.interface import OUTPUT_TOKENS_MAX
    from infra.catalog import spending

    assert spending.ANSWER_TOKENS == OUTPUT_TOKENS_MAX
    assert spending.PROMPT_BYTES == queries.HISTORY_BYTES
    assert prompts.fixed_bytes("?") >= spending.INSTRUCTIONS_BYTES > 0
