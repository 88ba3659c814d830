"""Asks compress_image to make an image of a synthetic user smaller, and looks."""

import json
import time
import zlib
from dataclasses import dataclass
from struct import pack
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg

from deploy.checklist import Result, Status
from deploy.emulator.clients import client
from deploy.emulator.configuration import STACK
from deploy.local.facts import LocalStack
from deploy.smoke.person import Person
from infra.catalog.cdn import PUBLIC_PATH
from infra.catalog.queues import IMAGE_COMPRESSIONS
from infra.naming import physical_name

if TYPE_CHECKING:
    from functions.shared.storage import Storage

BUCKET = "generated-images"
FOLDER = "kiloscale-smoke"
"""Where the proofs' images lie; whatever is there is a proof's."""

WAIT_S = 30.0
"""How long it may take; a cold start with libvips takes most of it."""

WIDTH, HEIGHT = 400, 300
"""Wider than a thumbnail, so that one is made."""

ROW = """
insert into public.user_images (user_id, image_url, image_path)
values (%(user)s, %(url)s, %(path)s)
"""
ASKED = """
select o.id from kiloscale.outbox o
 where o.topic = 'images' and o.key = %(user)s::text
"""
FOUND = """
select (select count(*) from kiloscale.outbox o
         where o.topic = 'images' and o.key = %(user)s::text),
       (select i.state from kiloscale.images i where i.user_id = %(user)s),
       (select i.source_bytes from kiloscale.images i where i.user_id = %(user)s),
       (select coalesce(jsonb_agg(f), '[]') from kiloscale.images i,
               jsonb_array_elements(i.forms) f where i.user_id = %(user)s),
       (select array_agg(u.image_path) from public.user_images u
         where u.user_id = %(user)s)
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An image that was asked for.

    Attributes:
        storage: Where it is.
        outbox_id: Row that asks for it; ``None`` if its row asked for nothing.
    """

    storage: "Storage"
    outbox_id: int | None


def ask(
    stack: LocalStack, connection: psycopg.Connection[tuple[object, ...]], user: UUID
) -> Asked:
    """Upload an image, write its row, and send what that asks for to the queue."""
    from functions.shared.storage.rest import RestStorage

    storage = RestStorage(stack.supabase_url, stack.service_role_key)
    clear(storage)
    path = f"{FOLDER}/{user}.png"
    storage.upload(BUCKET, path, png(), content_type="image/png", max_age_s=60)
    url = f"{stack.supabase_url}{PUBLIC_PATH}{BUCKET}/{path}"
    connection.execute(ROW, {"user": user, "url": url, "path": path})
    row = connection.execute(ASKED, {"user": user}).fetchone()
    if row is None:
        return Asked(storage=storage, outbox_id=None)
    sqs = client(stack, "sqs")
    name = physical_name(STACK, IMAGE_COMPRESSIONS.name)
    sqs.send_message(
        QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"],
        MessageBody=json.dumps({"outbox_id": row[0]}),
    )
    return Asked(storage=storage, outbox_id=int(str(row[0])))


def compressed(
    connection: psycopg.Connection[tuple[object, ...]], person: Person, asked: Asked
) -> Result:
    """Wait until the image is smaller, its row names that, and the outbox is empty."""
    started = time.monotonic()
    while True:
        row = connection.execute(FOUND, person.keys).fetchone()
        queued, state, before, forms, paths = row or (0, None, None, [], [])
        took = time.monotonic() - started
        if asked.outbox_id is None or not queued or took > WAIT_S:
            break
        time.sleep(0.1)
    made: list[dict[str, object]] = forms if isinstance(forms, list) else []
    stored = {o.path: o.size for o in asked.storage.page(BUCKET, f"{FOLDER}/").objects}
    problem = _problem(asked, state, made, paths, stored)
    sizes = ", ".join(
        f"{each['format']} {each['width']} x {each['height']} {each['bytes']} bytes"
        for each in made
    )
    return Result(
        id="functions.compressed",
        title=f"after {took:.0f} s: {problem}"
        if problem
        else f"an image of {before} bytes was made smaller and its row names the WebP",
        status=Status.FAIL if problem else Status.PASS,
        evidence={"query": FOUND, "state": state, "forms": sizes, "bytes": before},
        remedy="./bootstrap local.logs --part emulator" if problem else None,
    )


def _problem(
    asked: Asked,
    state: object,
    made: list[dict[str, object]],
    paths: object,
    stored: dict[str, int],
) -> str:
    """Say what is wrong; empty if nothing is."""
    if asked.outbox_id is None:
        return "the row of an image asked for nothing: its trigger is missing"
    if state != "compressed":
        return f"the image is {state or 'not looked at'}; expected compressed"
    full = [f["path"] for f in made if f["format"] == "webp" and not _side(f)]
    if not any(_side(each) for each in made):
        return "it has no thumbnail"
    if paths != full:
        return "its row does not name the WebP"
    if any(stored.get(str(each["path"])) != each["bytes"] for each in made):
        return "storage does not have what was recorded"
    return ""


def _side(form: dict[str, object]) -> object:
    """Give the side of a thumbnail; nothing for the whole image."""
    return form.get("thumbnail_side")


def clear(storage: "Storage") -> int:
    """Delete the proofs' images; tell how many are left."""
    for each in storage.page(BUCKET, f"{FOLDER}/").objects:
        storage.remove(BUCKET, each.path)
    return len(storage.page(BUCKET, f"{FOLDER}/").objects)


def png() -> bytes:
    """Draw an image whose WebP is smaller, without a library for it."""
    rows = b"".join(
        b"\0"  # no filter: the file stays large
        + bytes(
            (x * shade + y * y // 3) % 256 for x in range(WIDTH) for shade in (1, 2, 3)
        )
        for y in range(HEIGHT)
    )
    header = pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(rows, 1)),
            (b"IEND", b""),
        )
    )
