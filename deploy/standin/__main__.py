"""Serve the stand-in of one local stack: ``python -m deploy.standin``."""

import sys

import uvicorn

from deploy.local.facts import LocalStack
from deploy.local.ports import LOOPBACK
from deploy.paths import state_dir
from deploy.standin.app import create
from deploy.standin.users import PostgresUsers


def facts() -> LocalStack:
    """Read the facts anew: other parts may have moved to other ports."""
    stack = LocalStack.load(state_dir())
    if stack is None:
        sys.exit(f"{state_dir()}: no local stack was made there")
    return stack


app = create(facts, PostgresUsers(lambda: facts().database_url))
uvicorn.run(
    app, host=LOOPBACK, port=facts().supabase_port, server_header=False, lifespan="on"
)
