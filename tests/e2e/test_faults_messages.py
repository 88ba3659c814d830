"""Messages while the server that accepts and answers them is killed again and again.

Every message that was accepted is stored once and answered once, whatever was killed.
The long version is left out of a usual run: ``./bootstrap test --match sweep``.
"""

import random
import time

import pytest
from fault_messages import stage, wait_answered, whole

pytestmark = pytest.mark.e2e

SEED = 20251107


@pytest.fixture
def parts(short_folder, request):
    """The database and the language model; the service is not started yet."""
    folder = short_folder / f"messages-{abs(hash(request.node.name)) % 10**6}"
    folder.mkdir(mode=0o711)
    with stage(folder) as made:
        yield made


def test_messages_are_answered_once_though_server_and_database_are_killed(parts):
    crowd = parts.crowd(users=20, messages=400, pace=120)
    moments = random.Random(SEED)

    parts.start_service()
    crowd.start()
    for is_service in (True, False, True):
        time.sleep(moments.uniform(0.9, 1.5))
        if is_service:
            parts.kill_service()
            parts.hurry()  # the leases of the dead would last for 70 s
            parts.start_service()
        else:
            parts.restart_postgres(crash=True)  # in the middle of requests
    crowd.wait(60)

    assert wait_answered(parts.connect, 400, 60) == whole(400)
    assert crowd.retries > 0


@pytest.mark.sweep
def test_sweep_ten_thousand_messages_are_answered_once(parts):
    messages = 10_000
    crowd = parts.crowd(users=500, messages=messages, pace=60)
    moments = random.Random(SEED)
    restarts = {3: False, 7: True}  # after so many kills, the database too

    parts.start_service()
    crowd.start()
    kills = 0
    while not crowd.is_done():
        time.sleep(moments.uniform(4, 16))
        parts.kill_service()
        kills += 1
        if kills in restarts:
            parts.restart_postgres(crash=restarts[kills])
        time.sleep(moments.uniform(0, 1))
        parts.start_service()
    crowd.wait(60)

    assert wait_answered(parts.connect, messages, 300) == whole(messages)
    assert {"service", "restart", "crash"} <= set(parts.kills)
