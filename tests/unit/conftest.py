"""Parts that unit tests of several areas share."""

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture
def event_loop() -> Iterator[None]:
    """A loop for Pulumi's secrets, which want the thread's own.

    Another test of the same worker may have left the thread without one, as
    ``asyncio.run`` does.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop)))
    asyncio.set_event_loop(None)
    loop.close()
