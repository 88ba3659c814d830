"""One user's budget, asked for by 64 clients in 8 processes; half of them die."""

import multiprocessing
import os
import random
import signal
import threading
import time
from uuid import UUID

import psycopg
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.sweep]

PROCESSES = 8
THREADS = 8
CALLS = 40
HOLD = 1_000
BUDGET = 400_000
"""Some 1,000 calls of 400 on average: less than the 2,560 that are tried."""

TOTAL = """
select (select coalesce(sum(microusd), 0) from kiloscale.llm_usage)
     + (select coalesce(sum(microusd), 0) from kiloscale.llm_reservations)
"""


def spend(url: str, user: UUID, first: int) -> None:
    """Hold and settle again and again, in some threads."""

    def run(number: int) -> None:
        chance = random.Random(number)
        with psycopg.connect(url, autocommit=True) as connection:
            for call in range(CALLS):
                row = number * CALLS + call
                [(state,)] = connection.execute(
                    "select kiloscale.hold_llm_budget(%s, %s, %s, %s, 60)",
                    (row, user, HOLD, BUDGET),
                ).fetchall()
                if state != "granted":
                    continue
                time.sleep(chance.random() / 200)
                connection.execute(
                    "select kiloscale.settle_llm(%s, %s, 'answer', 'm', 1, 1, %s)",
                    (row, user, chance.randrange(HOLD + 1)),
                )

    threads = [
        threading.Thread(target=run, args=(first + number,))
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_sixty_four_clients_and_kills_never_pass_the_budget(app):
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=spend, args=(app.url, app.user, number * THREADS))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    totals = []
    doomed = processes[::2]
    while any(process.is_alive() for process in processes):
        totals.append(app.value(TOTAL))
        if doomed and totals[-1] > BUDGET / (2 * len(doomed)):
            os.kill(doomed.pop().pid, signal.SIGKILL)
    spent = app.value("select sum(microusd) from kiloscale.llm_usage")
    held = app.value("select count(*) from kiloscale.llm_reservations")
    app.connection.execute("update kiloscale.llm_reservations set expires_at = now()")

    rest = BUDGET - int(spent)
    last = app.value(
        "select kiloscale.hold_llm_budget(0, %s, %s, %s, 60)", app.user, rest, BUDGET
    )

    assert max(totals) <= BUDGET
    assert len(totals) > 20
    assert held > 0
    # What the killed clients held is free again, to the last millionth.
    assert last == "granted"
