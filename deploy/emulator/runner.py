"""Runs a Pulumi program under mocks, apart from every other run in the process."""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockMonitor

from infra.naming import PROJECT

Program = Callable[[], Mapping[str, pulumi.Output[Any]]]
"""Declares resources; gives the outputs of the stack."""


def run(
    program: Program,
    mocks: pulumi.runtime.Mocks,
    *,
    stack: str,
    config: Mapping[str, str],
    secrets: Collection[str],
    preview: bool = False,
    monitor: MockMonitor | None = None,
    logger: logging.Logger | None = None,
) -> dict[str, Any]:
    """Run a program to its end.

    Pulumi keeps its settings, its root resource and its unfinished work in context
    variables and in the thread's event loop. A thread, a context and a loop of its own
    keep the work of one run out of the next (pulumi/pulumi#24338).

    Args:
        program: The program.
        mocks: Stand in for the engine and the providers; called from several threads.
        stack: Name of the stack.
        config: Configuration by full key, e.g. ``kiloscale:supabaseUrl``.
        secrets: Keys whose values are secret.
        preview: Whether what the mocks do not give is unknown, as in a preview.
        monitor: Sees each registration on its way to the mocks.
        logger: Gets what the program logs; without one the root logger does.

    Returns:
        The outputs; those that are unknown in a preview are left out.
    """

    def in_its_own_world() -> dict[str, Any]:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        outputs: dict[str, Any] = {}
        try:
            pulumi.runtime.set_mocks(mocks, PROJECT, stack, preview, logger, monitor)
            pulumi.runtime.set_all_config(dict(config), list(secrets))
            _awaited(program, outputs)
        finally:
            loop.close()
        return outputs

    with ThreadPoolExecutor(1, "pulumi-program") as pool:
        return pool.submit(contextvars.Context().run, in_its_own_world).result()


def _awaited(program: Program, outputs: dict[str, Any]) -> None:
    """Run the program and wait for everything that it started."""

    def whole_program() -> pulumi.Output[None]:
        collected = pulumi.Output.all(**program())
        return collected.apply(outputs.update)

    # Without this wrapper nothing waits, and a failure in the middle goes unnoticed.
    pulumi.runtime.test(whole_program)()  # type: ignore[no-untyped-call]  # Pulumi's
