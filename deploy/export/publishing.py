"""Replaces the files of an export: each in one step, the manifest last."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from deploy.export import manifest as documents
from deploy.export import warehouses
from deploy.export.bucket import Bucket
from deploy.export.folder import Folder
from deploy.export.manifest import Manifest, Publishing
from deploy.export.staging import Staged


def publish(
    place: Folder | Bucket,
    made: Manifest,
    staged: Sequence[Staged],
    dropped: Iterable[str],
    progress: Callable[[str], None],
) -> Iterator[str]:
    """Replace and delete files, then describe what is there; yield each path.

    Args:
        place: Where.
        made: What will be there.
        staged: Files that are new.
        dropped: Paths of files that go.
        progress: Told each path.

    Raises:
        DeployError: The destination refuses something; the next run goes on.
    """
    gone = sorted(dropped)
    touched = sorted({each.file.path for each in staged} | set(gone))
    if touched:
        marker = Publishing(stack=made.stack, paths=touched)
        place.write(documents.PUBLISHING, documents.encode(marker))
    for each in staged:
        progress(f"publishing {each.file.path}")
        place.put(each.file.path, each.path, each.file.sha256)
        yield each.file.path
    for path in gone:
        place.delete(path)
        yield path
    for name, write in (
        (warehouses.BIGQUERY, warehouses.bigquery),
        (warehouses.SNOWFLAKE, warehouses.snowflake),
    ):
        place.write(name, write(made.tables, place.uri).encode())
    place.write(documents.MANIFEST, documents.encode(made))
    place.delete(documents.PUBLISHING)
