"""The stand-in for Supabase and for the language models, in a thread."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from benchmarks.cluster import Database
from deploy.local.ports import LOOPBACK
from deploy.standin.app import create
from deploy.standin.users import PostgresUsers

POLL_S = 0.01

CHOOSE_MODEL = """
insert into public.system_config (key, value)
values ('llm_provider', jsonb_build_object('provider', 'openai', 'model', %s::text))
on conflict (key) do update set value = excluded.value
"""


@contextmanager
def serving(database: Database, model: str) -> Iterator[str]:
    """Serve it on a free port, and have the services ask one of its models.

    Args:
        database: Gets the configuration; its stack has the keys.
        model: ``standin-echo``, or another fault of ``deploy/standin/faults.py``.

    Yields:
        Its base URL.
    """
    with database.connect() as connection:
        connection.execute(CHOOSE_MODEL, (model,))
    users = PostgresUsers(lambda: database.url)
    app = create(lambda: database.stack, users)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, name="standin", daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(POLL_S)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        thread.join()
