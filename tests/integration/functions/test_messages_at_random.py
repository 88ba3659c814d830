"""Requests of all kinds at random, from four servers at a time: the sums are right."""

import asyncio
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from functions.chat_send.queries import Found, Offer
from functions.message_batcher import MessageBatcher

pytestmark = pytest.mark.integration

SERVERS = 4
CLIENTS = 30
REQUESTS = 20
USERS = 12


@dataclass
class Person:
    """Somebody with three conversations, whose app repeats itself and mixes them up."""

    user: UUID
    chats: list[UUID]
    keys: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(90)])

    def request(self, dice: random.Random) -> list[Offer]:
        is_voice = dice.random() < 0.2
        chat = dice.choice(self.chats)
        return [
            Offer(
                chat_id=chat,
                user_id=self.user,
                key=key,
                role="assistant" if place % 2 else "user",
                text="Hello.",
                is_hit=place % 2 == 0,
                hits_max=60,
                asks=not is_voice,
                request_id="request",
            )
            for place, key in enumerate(
                dice.sample(self.keys, dice.randint(2, 6) if is_voice else 1)
            )
        ]


@dataclass
class Seen:
    """What one server said."""

    kinds: Counter[str] = field(default_factory=Counter)
    ids: set[tuple[UUID, UUID, UUID]] = field(default_factory=set)

    def note(self, offers: list[Offer], found: list[Found]) -> None:
        if not found[0].is_admitted:
            kind = "refused"
        elif any(each.id is None for each in found):
            kind = "conflict"
        else:
            kind = "new" if any(each.is_new for each in found) else "known"
            self.ids |= {
                (offer.chat_id, offer.key, each.id)
                for offer, each in zip(offers, found, strict=True)
                if each.id
            }
        if kind in {"refused", "conflict"}:
            assert not any(each.is_new for each in found)
        self.kinds[kind] += 1


def serve(url: str, people: list[Person], seed: int) -> Seen:
    dice, seen = random.Random(seed), Seen()

    async def client(batcher: MessageBatcher) -> None:
        for _ in range(REQUESTS):
            offers = dice.choice(people).request(dice)
            seen.note(offers, await batcher.accept(offers))

    async def whole() -> None:
        batcher = MessageBatcher(url, window_s=3_600)
        await batcher.open()
        await asyncio.gather(*(client(batcher) for _ in range(CLIENTS)))
        await batcher.close()

    asyncio.run(whole())
    return seen


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.sweep) for seed in range(1, 6))]
)
def test_whatever_comes_in_is_saved_once_counted_once_and_answered_alike(app, seed):
    app.connection.execute(
        "create unique index app_client_msg_id on public.messages (client_msg_id)"
    )
    people = []
    for _ in range(USERS):
        user = uuid4()
        people.append(Person(user, [app.conversation(user=user) for _ in range(3)]))

    with ThreadPoolExecutor(SERVERS) as pool:
        seeds = range(seed * SERVERS, (seed + 1) * SERVERS)
        seen = list(pool.map(lambda each: serve(app.url, people, each), seeds))

    kinds = sum((each.kinds for each in seen), Counter())
    told = set().union(*(each.ids for each in seen))
    assert sum(kinds.values()) == SERVERS * CLIENTS * REQUESTS
    assert min(kinds[kind] for kind in ("new", "known", "refused", "conflict")) > 0
    assert told == set(app.rows("select chat_id, client_msg_id, id from messages"))
    assert app.rows("select subject, hits from kiloscale.rate_limits order by 1") == (
        app.rows(
            "select user_id::text, count(*) from public.messages where role = 'user'"
            " group by 1 order by 1"
        )
    )
    assert app.value("select max(hits) from kiloscale.rate_limits") <= 60
    assert app.value("select count(*) from kiloscale.outbox") == app.value(
        "select count(distinct payload ->> 'message_id') from kiloscale.outbox"
    )
    deadlocks = (
        "select deadlocks from pg_stat_database where datname = current_database()"
    )
    assert app.value(deadlocks) == 0
