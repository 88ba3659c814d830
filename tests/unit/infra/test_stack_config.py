import pytest
from infra_recording import PLAIN, SECRETS, config, record

from infra import config_checks
from infra.catalog.extras import EXTRAS
from infra.config import StackConfig
from infra.config_values import ConfigError, Values

pytestmark = pytest.mark.usefixtures("event_loop")


def read(*without: str, secrets: object = SECRETS, **changes: str) -> StackConfig:
    given = {**PLAIN, **SECRETS, **changes}
    for key in without:
        del given[key]
    values = Values(stack="production", given=given, secrets=set(secrets))
    return StackConfig.read(values)


def problems(*without: str, **changes: object) -> str:
    with pytest.raises(ConfigError) as caught:
        read(*without, **changes)
    return str(caught.value)


def test_a_missing_value_is_named_with_the_command_that_sets_it():
    assert problems("limitStore") == (
        "Pulumi.production.yaml: kiloscale:limitStore: missing;"
        " run `pulumi config set limitStore ...`"
    )


def test_a_missing_secret_is_named_with_the_command_that_encrypts_it():
    assert problems("databaseUrl") == (
        "Pulumi.production.yaml: kiloscale:databaseUrl: missing;"
        " run `pulumi config set --secret databaseUrl`"
    )


def test_a_secret_in_plain_text_is_refused_and_not_quoted():
    text = problems(secrets=set(SECRETS) - {"jwtSecret"})

    assert text == (
        "Pulumi.production.yaml: kiloscale:jwtSecret: stored in plain text; rotate it,"
        " then run `pulumi config set --secret jwtSecret`"
    )


def test_every_problem_is_reported_at_once():
    text = problems("databaseUrl", logRetentionDays="31", surprise="1")

    assert [line.split(": ")[1] for line in text.splitlines()] == [
        "kiloscale:databaseUrl",
        "kiloscale:logRetentionDays",
        "kiloscale:surprise",
    ]


def test_an_unknown_key_is_refused_with_the_known_ones():
    assert "kiloscale:logRetentionDay: unknown; known are alertEmail, " in problems(
        logRetentionDay="7"
    )


def test_a_number_out_of_its_range_is_quoted_with_the_range():
    text = problems(logRetentionDays="31")

    assert "kiloscale:logRetentionDays: must be one of 1, 3, 5, 7, 14, 30, 60" in text
    assert text.endswith("3653, got 31")


def test_a_key_set_is_optional_and_reaches_the_configuration():
    url = "https://abc.supabase.co/auth/v1/.well-known/jwks.json"

    assert read().jwks_url == ""
    assert read(jwksUrl=url).jwks_url == url


def test_only_a_stack_that_has_it_needs_the_library_of_an_extra():
    both = read(
        jwksUrl="https://abc.supabase.co/keys",
        redisUrl="rediss://:pw@redis.example.com",
        secrets={*SECRETS, "redisUrl"},
    )

    assert read().extras == frozenset()
    assert both.extras == {extra.name for extra in EXTRAS}


def test_one_language_model_is_enough_and_none_is_not():
    assert read(
        "geminiApiKey", openaiApiKey="o" * 40, secrets={*SECRETS, "openaiApiKey"}
    )
    assert "kiloscale:geminiApiKey: needed, or openaiApiKey: both are missing" in (
        problems("geminiApiKey")
    )


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("reserveConcurrency", "yes", "must be true or false, got yes"),
        ("jwtSecret", "short", "must have at least 32 characters, got 5"),
        ("supabaseUrl", "https://a.supabase.co/", "must end after the host"),
        ("supabaseUrl", "http://a.supabase.co", "must be https, got"),
        ("jwksUrl", "http://abc.supabase.co/keys", "must be https, got"),
        ("jwksUrl", "keys.json", "must be a URL, https://..., got"),
        ("openaiBaseUrl", "api.openai.com", "must be a URL, https://..., got"),
        ("allowedOrigins", "https://a.example", "must be a list of texts, got"),
        ("allowedOrigins", '["https://a.example/x"]', "must end after the host"),
        ("alertEmail", "ops", "must be one email address, got ops"),
        ("alertEmail", "a@b.com, c@d.com", "must be one email address, got a@b.com, c"),
        ("alertWebhook", "http://hooks.example.com/x", "must be a URL, https://..."),
        ("alertWebhook", "http://127.0.0.1:54/x", "must be a URL, https://..."),
        ("alertWebhook", "https://localhost/x", "must not be on this machine"),
        ("databaseUrl", "mysql://a@b/c", "must be a connection URI, postgresql://..."),
        ("databaseUrl", "postgresql://a@b:x/c", "with a port from 1 to 65535"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be(key, value, wrong):
    assert f"kiloscale:{key}: " in problems(**{key: value})
    assert wrong in problems(**{key: value})


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("postgresql://u:p@x.pooler.supabase.com:5432/d", "port 6543, got 5432"),
        ("postgresql://u:p@x.pooler.supabase.com/d", "port 6543, got 5432"),
        ("postgresql://u:p@db.abc.supabase.co:5432/d", "IPv6 only"),
        ("postgresql://u:p@h:6543/d?options=-c%20a%3Db", "must not have options="),
    ],
)
def test_a_database_that_a_function_cannot_use_is_refused(url, wrong):
    text = config_checks.database(url)

    assert wrong in text
    assert "u:p" not in text


def test_no_problem_text_holds_a_password():
    url = "postgresql://u:hunter2@db.abc.supabase.co/d"

    assert "hunter2" not in problems(databaseUrl=url)


def test_no_problem_text_holds_a_webhook():
    assert "T0/B0" not in problems(alertWebhook="hooks.example.com/services/T0/B0/x")


def test_only_the_local_stack_may_have_its_webhook_on_this_machine():
    url = "http://127.0.0.1:54321/webhooks/alarms"

    assert config_checks.webhook("local")(url) is None
    assert config_checks.webhook("staging")(url) == "must be a URL, https://..."


def test_nobody_has_to_be_told_of_alarms():
    quiet = read("alertEmail", "alertWebhook", monthlyBudgetUsd="0")

    assert (quiet.alert_email, quiet.alert_webhook) == ("", None)


def test_the_issuer_is_the_project_s_auth_service():
    assert read().jwt_issuer == "https://abc.supabase.co/auth/v1"


def test_an_empty_list_of_origins_is_a_choice():
    assert read(allowedOrigins="[]").allowed_origins == ()


def test_the_selected_stack_s_configuration_is_read():
    seen = []

    def program():
        seen.append(StackConfig.load())
        return {"secret": seen[0].jwt_secret}

    _, outputs = record(program, values=config(logRetentionDays="7"), stack="staging")

    assert (seen[0].stack, seen[0].log_retention_days) == ("staging", 7)
    assert outputs == {"secret": "j" * 40}


def test_a_smoke_user_is_optional_and_must_be_an_id():
    user = "0b9f0d0e-3a53-4a54-9d5a-0a6c1a6f6f10"

    assert read().smoke_user_id == ""
    assert read(smokeUserId=user).smoke_user_id == user
    assert problems(smokeUserId="ada") == (
        "Pulumi.production.yaml: kiloscale:smokeUserId: must be a uuid, 8-4-4-4-12"
        " hexadecimal digits, got ada"
    )
