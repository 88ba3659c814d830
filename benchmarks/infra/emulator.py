"""An AWS emulator of a benchmark's own, and who confirms its subscriptions."""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from deploy.local.emulator import EMULATOR
from deploy.local.facts import LocalStack, new_stack
from deploy.local.ports import LOOPBACK
from deploy.local.processes import end
from deploy.standin.app import create
from deploy.standin.users import PostgresUsers

PATIENCE_S = 20


@contextmanager
def running() -> Iterator[LocalStack]:
    """Start an emulator with nothing in it, with IAM enforced; delete it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ks-infra-"))
    folder.chmod(0o711)  # the functions run as others, who must pass
    (folder / "logs").mkdir()
    stack = new_stack(folder, home=folder)
    try:
        with _webhook(stack):
            process = EMULATOR.launch(stack)
            try:
                EMULATOR.settle(stack, process)
                yield stack
            finally:
                end(process, *EMULATOR.shutdown)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _webhook(stack: LocalStack) -> Iterator[None]:
    """Serve the stand-in; of it, only the webhook works without a database."""
    app = create(lambda: stack, PostgresUsers(lambda: stack.database_url))
    server = uvicorn.Server(
        uvicorn.Config(
            app, host=LOOPBACK, port=stack.supabase_port, log_level="warning"
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the webhook did not start")
        time.sleep(0.005)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
