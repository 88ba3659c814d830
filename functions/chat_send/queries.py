"""The SQL of chat_send: one statement for a message, one more after a lost race."""

from uuid import UUID

import msgspec
from psycopg.rows import class_row

from functions.shared.database import Connection

# Parts of one statement see one snapshot and not each other's writes, except through
# RETURNING. So the parts are chained: a hit is counted only for a message that the
# snapshot does not know, the message is inserted only for an admitted hit, the outbox
# row only for an inserted message. The counter's row is locked by its upsert, which
# reads the newest version: concurrent messages of a user are counted exactly.
#
# The counter comes before the message, so that a refused message leaves nothing. What
# the snapshot cannot show is a duplicate that commits while this statement waits for
# the counter's row: then the insert does nothing although a hit was counted, and
# `settle_race` gives the hit back.
ACCEPT = """
with conversation as materialized (
    select c.id, c.user_id, coalesce(%(mode)s::text, c.mode::text) as mode
      from public.conversations c
     where c.id = %(chat_id)s::uuid
       and (%(user_id)s::uuid is null or c.user_id = %(user_id)s::uuid)
), stored as materialized (
    select m.id
      from conversation c
      join public.messages m
        on m.chat_id = c.id and m.client_msg_id = %(client_msg_id)s::uuid
), counter as materialized (
    select r.hits, r.window_started_at
      from conversation c
      join kiloscale.rate_limits r
        on r.scope = %(scope)s and r.subject = c.user_id::text
     where r.window_started_at > now() - make_interval(secs => %(window_s)s)
), hit as (
    insert into kiloscale.rate_limits as r (scope, subject, window_started_at, hits)
    select %(scope)s, c.user_id::text, now(), 1
      from conversation c
     where not exists (select from stored)
        on conflict (scope, subject) do update
       set hits = case
               when r.window_started_at > now() - make_interval(secs => %(window_s)s)
               then r.hits + 1
               else 1
           end,
           window_started_at = case
               when r.window_started_at > now() - make_interval(secs => %(window_s)s)
               then r.window_started_at
               else now()
           end
     where r.hits < %(hits_max)s
        or r.window_started_at <= now() - make_interval(secs => %(window_s)s)
    returning r.hits, r.window_started_at
), saved as (
    insert into public.messages
        (id, chat_id, role, text, created_at, client_msg_id, status, mode, user_id)
    select gen_random_uuid(), c.id, 'user', %(text)s, clock_timestamp(),
           %(client_msg_id)s::uuid, 'complete', c.mode, c.user_id
      from conversation c
     cross join hit
        on conflict do nothing
    returning id
), queued as (
    insert into kiloscale.outbox (topic, key, payload)
    select 'llm', c.id::text,
           jsonb_build_object(
               'message_id', s.id, 'chat_id', c.id, 'user_id', c.user_id,
               'request_id', %(request_id)s::text)
      from saved s
     cross join conversation c
     where c.mode is distinct from 'together' or %(analyze)s
    returning id
)
select exists (select from conversation) as is_found,
       (select c.user_id from conversation c) as user_id,
       (select s.id from stored s) as stored_id,
       (select s.id from saved s) as message_id,
       (select q.id from queued q) as outbox_id,
       exists (select from hit) as is_admitted,
       coalesce((select c.hits from counter c), 0) < %(hits_max)s as had_room,
       coalesce((select h.hits from hit h), (select c.hits from counter c), 0) as hits,
       coalesce(
           ceil(extract(epoch from
               coalesce((select h.window_started_at from hit h),
                        (select c.window_started_at from counter c))
               + make_interval(secs => %(window_s)s) - now())),
           %(window_s)s)::int as reset_s
"""

SETTLE_RACE = """
with refund as (
    update kiloscale.rate_limits
       set hits = hits - 1
     where %(is_admitted)s and scope = %(scope)s and subject = %(subject)s and hits > 0
)
select m.id
  from public.messages m
 where m.chat_id = %(chat_id)s::uuid and m.client_msg_id = %(client_msg_id)s::uuid
"""

SCOPE = "chat"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What `accept` writes.

    Attributes:
        user_id: Who must own the conversation; ``None`` for the app's backend, whose
            messages count as the owner's.
        chat_id: The conversation.
        client_msg_id: The client's own id of the message: its retries repeat it.
        text: The message.
        mode: Mode of this message; ``None`` takes the conversation's.
        analyze: Whether the model answers in the mode ``together`` as well.
        hits_max: Messages that one window admits.
        window_s: Length of the window, in seconds.
        request_id: Goes along to the model's log.
    """

    user_id: UUID | None
    chat_id: UUID
    client_msg_id: UUID
    text: str
    mode: str | None
    analyze: bool
    hits_max: int
    window_s: int
    request_id: str


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """What the one statement found and did.

    Attributes:
        is_found: Whether the conversation exists and is the caller's.
        user_id: Its owner.
        stored_id: The message, if it was there before.
        message_id: The message, if it was saved.
        outbox_id: The outbox row of the saved message, if the model is to answer.
        is_admitted: Whether a hit was counted.
        had_room: Whether the counter had room in the statement's snapshot.
        hits: Hits of the window, this one included.
        reset_s: Time until the window ends, in seconds.
    """

    is_found: bool
    user_id: UUID | None
    stored_id: UUID | None
    message_id: UUID | None
    outbox_id: int | None
    is_admitted: bool
    had_room: bool
    hits: int
    reset_s: int


def accept(connection: Connection, offer: Offer) -> Acceptance:
    """Limit, look up, save and enqueue one message, in one round trip."""
    parameters = {**msgspec.structs.asdict(offer), "scope": SCOPE}
    with connection.cursor(row_factory=class_row(Acceptance)) as cursor:
        return cursor.execute(ACCEPT, parameters).fetchall()[0]


def settle_race(
    connection: Connection, offer: Offer, acceptance: Acceptance
) -> UUID | None:
    """Give back a hit that saved nothing; find the message that won.

    Returns:
        The stored message's id; ``None`` if ``client_msg_id`` belongs to a message of
        another conversation, or if there was no race after all.
    """
    parameters = {
        "scope": SCOPE,
        "subject": str(acceptance.user_id),
        "is_admitted": acceptance.is_admitted,
        "chat_id": offer.chat_id,
        "client_msg_id": offer.client_msg_id,
    }
    row = connection.execute(SETTLE_RACE, parameters).fetchone()
    return UUID(str(row[0])) if row else None
