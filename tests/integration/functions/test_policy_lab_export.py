"""The command of docs/policy-lab.md writes what the lab reads."""

import re
import subprocess

import psycopg
import pytest

from deploy.paths import REPOSITORY
from deploy.policy_lab.export import exported

pytestmark = pytest.mark.integration


def test_the_documented_command_writes_what_the_lab_reads(app, tmp_path):
    chat = app.conversation()
    said = [
        ("user", 'I live in "Porto"\nnow. \\ €'),
        ("assistant", "Good."),
        ("system", "Be kind."),
    ]
    for role, text in said:
        app.connection.execute(
            "insert into public.messages (id, chat_id, role, text, created_at, status)"
            " values (gen_random_uuid(), %s, %s, %s, clock_timestamp(), 'complete')",
            (chat, role, text),
        )
    document = (REPOSITORY / "docs" / "policy-lab.md").read_text()
    query = re.search(r'^psql -qAtX -o chats.jsonl -c "(.*)"$', document, re.MULTILINE)
    path = tmp_path / "chats.jsonl"
    where = psycopg.conninfo.conninfo_to_dict(app.url)

    subprocess.run(
        ["psql", "-qAtX", "-o", str(path), "-c", query[1]],
        env={
            "PATH": "/usr/bin:/bin",
            "PGHOST": str(where["host"]),
            "PGPORT": str(where["port"]),
            "PGUSER": str(where["user"]),
            "PGPASSWORD": str(where.get("password", "")),
            "PGDATABASE": str(where["dbname"]),
        },
        check=True,
    )
    found = exported(path)

    # Messages of the system are not part of a turn.
    assert [(each.role, each.text) for each in found.messages] == said[:2]
    assert {(each.chat, each.person) for each in found.messages} == {
        (str(chat), str(app.user))
    }
    assert found.turns() == 1
