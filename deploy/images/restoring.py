"""Put the addresses of images back that were replaced."""

from collections.abc import Callable, Iterator

from psycopg.types.json import Jsonb

from deploy.checklist import Result, Status
from deploy.images.access import Place

COUNT = "select count(*) from kiloscale.image_urls"
RESTORE = "select kiloscale.restore_image_urls(500)"
LOGGED = """
insert into kiloscale.run_log (job, finished_at, rows, batches, detail)
values ('images.restore', clock_timestamp(), %s, %s, %s)
"""


def restored(
    place: Place, said: Callable[[str], None], *, dry_run: bool
) -> Iterator[Result]:
    """Put all addresses back, 500 at a time, each of them committed."""
    row = place.connection.execute(COUNT).fetchone()
    waiting = int(str(row[0])) if row else 0
    if dry_run or not waiting:
        yield Result(
            id="images.addresses",
            title=f"{waiting} rows name a smaller form",
            status=Status.PASS,
            evidence={"rows": waiting},
            planned=bool(waiting),
        )
        return
    done = batches = 0
    while True:
        row = place.connection.execute(RESTORE).fetchone()
        count = int(str(row[0])) if row else 0
        if not count:
            break
        done, batches = done + count, batches + 1
        said(f"{done} of {waiting} addresses put back")
    place.connection.execute(LOGGED, (done, batches, Jsonb({})))
    yield Result(
        id="images.addresses",
        title=f"{done} rows name their originals again; the smaller forms stay stored",
        status=Status.PASS,
        evidence={"rows": done, "batches": batches},
        changed=True,
    )
