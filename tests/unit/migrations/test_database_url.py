from types import SimpleNamespace

import psycopg
import pytest

from deploy import database
from deploy.database import connect, explained, port_of, redact
from deploy.errors import AuthError, DeployError, UsageError

URL = "postgresql://app:s3cret@db.example:6543/shop?sslmode=require"


def test_redacted_url_keeps_the_place_and_drops_the_password():
    assert redact(URL) == "postgresql://app@db.example:6543/shop"


def test_key_value_strings_are_redacted_too():
    assert (
        redact("host=db password=s3cret dbname=x user=u") == "postgresql://u@db:5432/x"
    )


@pytest.mark.parametrize(
    "url",
    [
        "nonsense with s3cret",
        "postgresql://app:s3/cret@db.example/shop",
        "postgresql://app:s3@cret@db.example/shop",
        "postgresql://app:s3cret@db.example:port/shop",
    ],
)
def test_an_unreadable_url_is_refused_without_showing_any_of_it(url):
    with pytest.raises(UsageError) as caught:
        connect(url)

    assert "s3" not in str(caught.value)
    assert "cret" not in str(caught.value).replace("secret", "")
    assert redact(url) == "an unreadable connection URL"


def test_port_is_of_the_first_host():
    assert port_of(URL) == 6543
    assert port_of("postgresql://app@one:5433,two:5434/shop") == 5433
    assert port_of("postgresql://app@one/shop") == 5432


def refuse_with(text):
    def connect_to(*_, **__):
        raise psycopg.OperationalError(text)

    return connect_to


SERVER = 'connection failed: connection to server at "10.0.0.1", port 6543 failed: '


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        (
            'FATAL:  password authentication failed for user "app"',
            AuthError,
            'password authentication failed for user "app"',
        ),
        ('FATAL:  role "app" does not exist', AuthError, 'role "app" does not exist'),
        (
            "Connection refused\n\tIs the server running on that host?",
            DeployError,
            "Connection refused",
        ),
        (
            'FATAL:  database "shop" does not exist',
            DeployError,
            'database "shop" does not exist',
        ),
    ],
)
def test_connection_errors_name_the_place_and_the_reason(
    monkeypatch, text, kind, reason
):
    monkeypatch.setattr(database.psycopg, "connect", refuse_with(SERVER + text))

    with pytest.raises(DeployError) as caught:
        connect(URL)

    assert type(caught.value) is kind
    assert "postgresql://app@db.example:6543/shop" in str(caught.value)
    assert str(caught.value).endswith(f": {reason}")
    assert "s3cret" not in f"{caught.value} {caught.value.evidence}"
    assert caught.value.remedy


def test_no_statement_is_prepared_behind_a_pooler(monkeypatch):
    seen = {}
    monkeypatch.setattr(
        database.psycopg, "connect", lambda url, **options: seen.update(options)
    )

    connect(URL, application_name="test")

    assert seen == {
        "autocommit": True,
        "prepare_threshold": None,
        "connect_timeout": "10",
        "application_name": "test",
    }


CONNECTION = SimpleNamespace(info=SimpleNamespace(user="app", dbname="shop"))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            psycopg.errors.InsufficientPrivilege("no"),
            AuthError,
            "role app in database shop, looking around: ",
        ),
        (
            psycopg.errors.QueryCanceled("timeout"),
            DeployError,
            "looking around failed: timeout (SQLSTATE 57014)",
        ),
        (
            psycopg.errors.AdminShutdown("bye"),
            DeployError,
            "the connection was lost, looking around: bye",
        ),
        (
            psycopg.OperationalError("consuming input failed: EOF"),
            DeployError,
            "the connection was lost, looking around: EOF",
        ),
    ],
)
def test_what_only_the_database_refuses_is_explained(error, kind, words):
    with pytest.raises(DeployError) as caught, explained(CONNECTION, "looking around"):
        raise error

    assert type(caught.value) is kind
    assert str(caught.value).startswith(words)
    assert caught.value.remedy
