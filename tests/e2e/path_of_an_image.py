"""What an app and its readers do with an image on a stack that was deployed."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg

from deploy.emulator.clients import client
from deploy.emulator.configuration import STACK
from deploy.local.facts import LocalStack
from deploy.smoke.image import BUCKET, png
from functions.shared.storage.rest import RestStorage
from infra.catalog.services import RELAY_OUTBOX
from infra.naming import physical_name

PATIENCE_S = 40


@dataclass
class App:
    """An app whose user has an image."""

    facts: LocalStack
    conn: psycopg.Connection[tuple[Any, ...]]
    user: UUID = field(default_factory=uuid4)

    @property
    def name(self) -> str:
        return f"{self.user}/a picture.png"

    @property
    def url(self) -> str:
        at = f"{self.facts.supabase_url}/storage/v1/object/public/{BUCKET}"
        return f"{at}/{self.user}/a%20picture.png"

    def upload(self, content: bytes) -> None:
        """Upload the image, or overwrite it."""
        key = self.facts.service_role_key
        httpx.post(
            f"{self.facts.supabase_url}/storage/v1/object/{BUCKET}/{self.name}",
            content=content,
            headers={
                "authorization": f"Bearer {key}",
                "content-type": "image/png",
                "x-upsert": "true",
            },
        ).raise_for_status()

    def save(self) -> None:
        """Write the row that names it, of a user."""
        self.conn.execute("insert into auth.users (id) values (%s)", (self.user,))
        self.conn.execute(
            "insert into public.user_images (user_id, image_url, image_path)"
            " values (%s, %s, %s)",
            (self.user, self.url, self.name),
        )

    def leave(self) -> None:
        """Delete what was not deleted yet."""
        self.conn.execute("delete from auth.users where id = %s", (self.user,))
        storage = RestStorage(self.facts.supabase_url, self.facts.service_role_key)
        for each in storage.page(BUCKET, f"{self.user}/").objects:
            storage.remove(BUCKET, each.path)

    def relay(self) -> None:
        """Have the relay sweep, as its schedule does each minute."""
        client(self.facts, "lambda").invoke(
            FunctionName=physical_name(STACK, RELAY_OUTBOX.name),
            Qualifier="live",
            Payload=b"{}",
        )

    def rows(self) -> list[tuple[str, str]]:
        return self.conn.execute(
            "select image_url, image_path from public.user_images where user_id = %s",
            (self.user,),
        ).fetchall()

    def wait(self) -> None:
        """Wait until the outbox asks for nothing of the user."""
        ends = time.monotonic() + PATIENCE_S
        while self.conn.execute(
            "select from kiloscale.outbox where key = %s", (str(self.user),)
        ).fetchall():
            assert time.monotonic() < ends, "the image still waits in the outbox"
            time.sleep(0.1)

    def forms(self) -> list[dict[str, Any]]:
        (found,) = self.conn.execute(
            "select forms from kiloscale.images where user_id = %s", (self.user,)
        ).fetchall()
        return found[0]

    def replaced(self) -> int:
        """How many addresses were replaced, ever."""
        (found,) = self.conn.execute(
            "select count(*) from kiloscale.image_urls where user_id = %s", (self.user,)
        ).fetchall()
        return found[0]

    def through_the_edge(self, url: str) -> httpx.Response:
        at = url.replace(self.facts.supabase_url, self.facts.edge_url)
        return httpx.get(at).raise_for_status()

    def ask_twice(self, url: str) -> tuple[bytes, set[str]]:
        """Ask twice; give the bytes, and when the copies were filled."""
        answers = [self.through_the_edge(url) for _ in range(2)]
        assert answers[0].content == answers[1].content
        return answers[1].content, {each.headers["x-cdn-filled-at"] for each in answers}


def other_png() -> bytes:
    """The same picture, and bytes after its end that no decoder reads."""
    return png() + b"overwritten"
