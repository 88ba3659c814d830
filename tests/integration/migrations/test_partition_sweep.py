"""Killed at random moments, on both ways, a conversion loses and doubles nothing."""

import os
import random
import subprocess
import sys
import time

import pytest

from deploy.paths import REPOSITORY
from tests.integration.migrations import conversion
from tests.integration.migrations.conversion import advance, convert, standing
from tests.integration.migrations.writers import expected, stored, writing

pytestmark = [pytest.mark.integration, pytest.mark.sweep]

KILLS = 20
KILLS_A_WAY = 5
CHATS = 400
MESSAGES = 50_000
TERMINATE = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
    " where application_name like 'kiloscale migrate%' and pid <> pg_backend_pid()"
    " and datname = current_database()"
)
WORKING = TERMINATE.replace("pg_terminate_backend(pid)", "pid")
FILL = """
insert into messages (chat_id, role, text, client_msg_id, created_at)
select c.id, 'user', 'text ' || n, gen_random_uuid(), now() - n * interval '1 minute'
from (select id, row_number() over () as k from conversations) c,
    generate_series(1, %s) n
"""


def filled(app):
    user = app.user()
    app.run(
        "insert into conversations (user_id) select %s from generate_series(1, %s)",
        user,
        CHATS,
    )
    app.run(FILL, MESSAGES // CHATS)
    return [chat for (chat,) in app.rows("select id from conversations")]


def launched(url, direction):
    return subprocess.Popen(
        [sys.executable, conversion.__file__],
        cwd=REPOSITORY,
        env=os.environ
        | {"DATABASE": url, "DIRECTION": direction, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def begun(app, process):
    """Wait until a process works in the database: its imports take a while."""
    while process.poll() is None and not app.value(WORKING):
        time.sleep(0.02)


def test_twenty_kills_lose_and_double_nothing(app):
    chats = filled(app)
    chance = random.Random(20)
    directions = ["forward", "back"]
    kills, killed_in, whole, on_this_way = 0, [], 0, 0

    with writing(app.url, chats) as team:
        while kills < KILLS:
            process = launched(app.url, directions[0])
            # After some kills on one way its end, so that the next one begins.
            patience = chance.uniform(0.0, 2.5) if on_this_way < KILLS_A_WAY else 120
            begun(app, process)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                killed_in.append(standing(app.url))
                process.kill()
                process.wait()
                # The server notices a dead client late: end its work as well.
                app.run(TERMINATE)
                kills += 1
                on_this_way += 1
            else:
                assert process.returncode == 0, process.stderr.read().decode()
                directions.reverse()
                whole += 1
                on_this_way = 0
            process.stderr.close()
        advance(app.url, "forward")
        time.sleep(0.2)
    # Shown with -s: where the kills fell, and how many ways came to their end.
    sys.stderr.write(f"killed in {killed_in}, {whole} whole ways\n")
    longest = max(wait for one in team for wait in one.waits_ms)
    sys.stderr.write(
        f"{sum(len(one.waits_ms) for one in team)} statements, longest"
        f" {longest:.0f} ms\n"
    )
    assert [one.failures for one in team] == [[]] * len(team)
    assert stored(app.url) == expected(team)
    assert len(set(killed_in)) >= 3
    convert(app.url, "verify", "back")
    assert stored(app.url) == expected(team)
