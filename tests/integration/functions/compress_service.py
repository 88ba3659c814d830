"""Parts of the tests of compress_image: images, rows, and the service."""

from typing import Any
from uuid import uuid4

import psycopg
import pyvips

from functions.compress_image.images import Compressor
from functions.compress_image.limits import Aims, Limits
from functions.shared.database import SingleConnection
from functions.shared.storage.rest import RestStorage

BUCKET = "generated-images"
QUICK = Aims(with_avif=False)


def picture(side: int = 400, seed: int = 1) -> pyvips.Image:
    """A soft picture in colour: smaller as WebP by far."""
    noise = pyvips.Image.perlin(side, side, cell_size=side // 4, seed=seed)
    band = ((noise + 1) * 127).cast("uchar")
    return band.bandjoin([band.rot180(), band.fliphor()]).copy(interpretation="srgb")


class Desk:
    """A database, a storage and the service between them."""

    def __init__(self, url: str, standin: Any, aims: Aims = QUICK) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.base = standin.url
        self.database = SingleConnection(url, "test")
        self.storage = RestStorage(standin.url, standin.service_role_key)
        self.service = Compressor(
            self.database, self.storage, (BUCKET,), Limits(seconds=30), aims
        )
        self.folder = uuid4().hex
        self.user = self.value(
            "insert into auth.users (id, email) values (%s, %s) returning id",
            uuid4(),
            f"{uuid4()}@example.test",
        )
        self.run("insert into profiles (id) values (%s)", self.user)

    def close(self) -> None:
        self.database.close()
        self.connection.close()

    def run(self, query: str, *values: object) -> None:
        self.connection.execute(query, values or None)

    def value(self, query: str, *values: object) -> Any:
        row = self.connection.execute(query, values or None).fetchone()
        return row[0] if row else None

    def put(self, data: bytes, name: str = "cat.png", kind: str = "image/png") -> str:
        """Write an original; give its name."""
        path = f"{self.folder}/{name}"
        self.storage.upload(BUCKET, path, data, content_type=kind, max_age_s=60)
        return path

    def url(self, path: str) -> str:
        return f"{self.base}/storage/v1/object/public/{BUCKET}/{path}"

    def row(self, path: str, table: str = "user_images") -> Any:
        """Insert a row that names an original; give its id."""
        return self.value(
            f"insert into {table} (user_id, image_url, image_path)"
            " values (%s, %s, %s) returning id",
            self.user,
            self.url(path),
            path,
        )

    def asked(self) -> list[int]:
        """The outbox rows that wait."""
        query = "select id from kiloscale.outbox where topic = 'images' order by id"
        return [row[0] for row in self.connection.execute(query)]

    def known(self, path: str) -> dict[str, Any] | None:
        query = "select to_jsonb(i) from kiloscale.images i where path = %s"
        return self.value(query, path)

    def address(self, row: Any, table: str = "user_images") -> tuple[str, str]:
        query = f"select image_url, image_path from {table} where id = %s"
        found = self.connection.execute(query, (row,)).fetchone()
        assert found
        return found
