"""A key in somebody's job is not shown; what is no key stays readable."""

import pytest

from deploy.checklist import Status
from deploy.crons.compare import compare
from deploy.crons.evidence import JobFacts
from deploy.crons.judge import judge
from deploy.crons.masking import masked

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (f"""headers:='{{"Authorization": "Bearer {JWT}"}}'""", '"Bearer ***"'),
        (f"""headers:='{{"apikey": "{JWT}"}}'""", '{"apikey": "***"}'),
        ("select f('sb_secret_abcdef_12345')", "select f('***')"),
        ("select dblink('host=a password=hunter2 user=b')", "password=*** user=b"),
        ("select dblink('postgresql://a:hunter2@b/c')", "postgresql://a:***@b/c"),
        ("set my.x_token = 'abc123'; select 1", "set my.x_token = '***'; select 1"),
    ],
)
def test_what_looks_like_a_key_is_hidden(command, shown):
    assert shown in masked(command)
    assert JWT not in masked(command)
    assert "hunter2" not in masked(command)


@pytest.mark.parametrize(
    "command",
    [
        "call kiloscale.clean_webhook_events()",
        "delete from public.sessions where expires_at < now() - interval '1 day'",
        "delete from public.push_tokens where token is null",
        "select * from net.http_post('https://x.example/functions/v1/tidy')",
    ],
)
def test_what_holds_no_key_is_shown_as_it_is(command):
    assert masked(command) == command


def test_neither_a_plan_nor_a_verdict_shows_the_key_of_a_foreign_job(rows):
    theirs = rows.installed(command=f"select f('Bearer {JWT}')")

    (change,) = compare([rows.job()], [theirs], [], rows.facts())
    result = judge(rows.job(), JobFacts(foreign=theirs), rows.facts(), rows.now)

    assert result.status is Status.FAIL
    assert "select f('Bearer ***')" in result.title
    assert JWT not in f"{change.reasons} {result.as_json()}"
