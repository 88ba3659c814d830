"""Asks extract_memory to read the conversation of a synthetic user, and looks."""

import json
import time
from uuid import UUID

import psycopg

from deploy.checklist import Result, Status
from deploy.emulator.clients import client
from deploy.emulator.configuration import STACK
from deploy.local.facts import LocalStack
from deploy.smoke.person import Person
from infra.catalog.queues import MEMORY_EXTRACTIONS
from infra.catalog.services import EXTRACT_MEMORY
from infra.naming import physical_name

WAIT_S = 30.0
"""How long the reading may take; a cold start with the model's SDK takes most of it."""

# The policy lets a turn wait for others: here it is read at once, as llm_handler asks
# when enough turns wait.
ASK = """
select kiloscale.defer_extraction(m.chat_id, m.user_id, m.id, 1, 1, 0)
  from (select m.chat_id, m.user_id, m.id
          from public.messages m
         where m.chat_id = %(chat)s and m.role = 'assistant'
         limit 1) m
"""

FOUND = """
select (select count(*) from public.user_memory m
         where m.user_id = %(user)s and m.conversation_id = %(chat)s
           and m.source_message_id is not null and m.canonical_hash is not null),
       (select count(*) from kiloscale.outbox o where o.key = %(chat)s::text)
"""


def wake(stack: LocalStack) -> None:
    """Have the service started while the message is still being answered.

    Unpacking its zip and the first imports take 2 s of the processor, which the proof
    would otherwise spend waiting.
    """
    client(stack, "lambda").invoke(
        FunctionName=physical_name(STACK, EXTRACT_MEMORY.name),
        Qualifier="live",
        InvocationType="Event",
        Payload=b'{"Records": []}',
    )


def ask(
    stack: LocalStack, connection: psycopg.Connection[tuple[object, ...]], chat: UUID
) -> bool:
    """Send the answered message of a conversation to the queue.

    Returns:
        Whether there was one.
    """
    row = connection.execute(ASK, {"chat": chat}).fetchone()
    if row is None:
        return False
    sqs = client(stack, "sqs")
    name = physical_name(STACK, MEMORY_EXTRACTIONS.name)
    sqs.send_message(
        QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"],
        MessageBody=json.dumps({"outbox_id": row[0], "chat_id": str(chat)}),
    )
    return True


def remembered(
    connection: psycopg.Connection[tuple[object, ...]], person: Person, *, asked: bool
) -> Result:
    """Wait until the conversation has its one memory and the outbox is empty."""
    started = time.monotonic()
    while True:
        row = connection.execute(FOUND, person.keys).fetchone() or (0, 0)
        memories, queued = int(str(row[0])), int(str(row[1]))
        took = time.monotonic() - started
        if not asked or not queued or took > WAIT_S:
            break
        time.sleep(0.1)
    good = asked and (memories, queued) == (1, 0)
    return Result(
        id="functions.remembered",
        title="the conversation was read: 1 memory, outbox empty"
        if good
        else f"after {took:.0f} s: {memories} memories, {queued} rows in the outbox;"
        " expected 1, 0"
        if asked
        else "there is no answer whose memories could be asked for",
        status=Status.PASS if good else Status.FAIL,
        evidence={"query": FOUND, "memory_rows": memories, "outbox_rows": queued},
        remedy=None if good else "./bootstrap local.logs --part emulator",
    )
