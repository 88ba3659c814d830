"""The files of a user: which they are, as far as the database knows."""

import json
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from deploy.local.files import write_private
from deploy.users.looking import Connection, mark

# By JSON, since tables of the app lack one column or the other.
OF_ROWS = """
select coalesce(to_jsonb(t) ->> 'image_path', to_jsonb(t) ->> 'image_url')
  from {} t where to_jsonb(t) ->> 'user_id' = %(id)s
"""
# The originals and all smaller forms, thumbnails among them.
OF_IMAGES = """
select t.bucket || '/' || n.name from kiloscale.images t
 cross join lateral (
    select t.path as name
    union all select f ->> 'path' from jsonb_array_elements(t.forms) f) n
 where t.user_id = %(user)s or t.user_id is null and position(%(id)s in t.path) > 0
"""
OF_ADDRESSES = """
select t.bucket || '/' || t.path from kiloscale.image_urls t
 where t.user_id = %(user)s or t.user_id is null and position(%(id)s in t.path) > 0
"""
OF_STORAGE = """
select t.bucket_id || '/' || t.name from storage.objects t
 where position(%(id)s in t.name) > 0
    or %(id)s in (to_jsonb(t) ->> 'owner_id', to_jsonb(t) ->> 'owner')
"""
SOURCES = {
    "public.user_images": OF_ROWS.format("public.user_images"),
    "public.image_generation_log": OF_ROWS.format("public.image_generation_log"),
    "kiloscale.images": OF_IMAGES,
    "kiloscale.image_urls": OF_ADDRESSES,
    "storage.objects": OF_STORAGE,
}
"""Tables that name files, and what they name: ``bucket/name`` where both are known."""

READABLE = (
    "select case when to_regclass(%(table)s) is not null"
    " then has_table_privilege(to_regclass(%(table)s), 'select') end"
)


def of_user(conn: Connection, user: UUID) -> list[str]:
    """List the user's files; what is of a public bucket begins with its name."""
    given = {"user": user, "id": str(user)}
    found: set[str] = set()
    for table, query in SOURCES.items():
        row = conn.execute(READABLE, {"table": table}).fetchone()
        if row and row[0]:
            rows = conn.execute(query, given).fetchall()
            found.update(str(path) for (path,) in rows if path)
    return named(found)


def named(paths: Iterable[str]) -> list[str]:
    """Name each file once, with its bucket where that is known.

    >>> named(["u/a.png", "charts/u/a.png", "u/b.png"])
    ['charts/u/a.png', 'u/b.png']
    >>> named(["https://x.test/storage/v1/object/public/charts/a%20b.png?v=2"])
    ['charts/a b.png']
    """
    from functions.compress_image.addresses import of_url
    from functions.compress_image.limits import RefusedImageError

    known = set()
    for path in paths:
        try:
            place = of_url(path)
        except RefusedImageError:
            known.add(path)
        else:
            known.add(f"{place.bucket}/{place.path}")
    longer = {path.partition("/")[2] for path in known}
    return sorted(path for path in known if path not in longer)


def keep(conn: Connection, user: UUID, folder: Path) -> tuple[Path | None, list[str]]:
    """Write the names of a user's files to a private file, before their rows go.

    Returns:
        The file and what it names; no file if there is nothing. What an earlier call
        wrote stays in it.
    """
    path = folder / f"files-of-deleted-user-{mark(user)}.json"
    earlier = set(json.loads(path.read_text())) if path.exists() else set()
    found = named(earlier | set(of_user(conn, user)))
    if not found:
        return None, []
    write_private(path, json.dumps(found, indent=1))
    return path, found
