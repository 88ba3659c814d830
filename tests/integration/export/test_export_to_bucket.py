"""An export to a bucket, on the emulator."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.emulator.clients import client
from deploy.export import bucket
from deploy.local.emulator import EMULATOR
from deploy.local.facts import new_stack
from deploy.local.processes import end

pytestmark = pytest.mark.integration

BUCKET = "analytics-test"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The emulator with an empty bucket; an S3 client of it."""
    folder = tmp_path_factory.mktemp("store")
    folder.chmod(0o711)
    (folder / "logs").mkdir()
    stack = new_stack(folder, home=folder)
    process = EMULATOR.launch(stack)
    try:
        EMULATOR.settle(stack, process)
        s3 = client(stack, "s3")
        s3.create_bucket(
            Bucket=BUCKET,
            CreateBucketConfiguration={"LocationConstraint": stack.region},
        )
        yield SimpleNamespace(s3=s3, stack=stack)
    finally:
        end(process, *EMULATOR.shutdown)


@pytest.fixture
def there(store: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The store as the environment names it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.stack.emulator_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.stack.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.stack.secret_access_key)
    monkeypatch.setenv("AWS_REGION", store.stack.region)
    return store.s3


def fetch(s3: Any, prefix: str, folder: Path) -> list[str]:
    """Copies the objects of a prefix into a folder; gives their keys."""
    pages = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    keys = [each["Key"] for each in pages.get("Contents", [])]
    for key in keys:
        target = folder / key.removeprefix(prefix)
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(BUCKET, key, str(target))
    return keys


def test_a_bucket_gets_what_a_folder_gets(
    source: Any, exports: Any, filled: Any, there: Any, user: Any
) -> None:
    first, _ = exports.run(to=f"s3://{BUCKET}/one")
    source.run("delete from messages where created_at < '2026-10-01'")

    second, _ = exports.run(to=f"s3://{BUCKET}/one")

    keys = fetch(there, "one/", exports.folder)
    assert (first, second) == (0, 0)
    assert exports.ids() == filled()
    assert len(exports.ids()) == 2
    assert "one/messages/month=2026-09-01/messages.parquet" not in keys
    assert "one/publishing.json" not in keys
    assert f"s3://{BUCKET}/one/" in (exports.folder / "load/snowflake.sql").read_text()
    assert (
        there.head_object(Bucket=BUCKET, Key="one/conversations/conversations.parquet")[
            "Metadata"
        ][bucket.SHA256]
        == exports.manifest()["tables"]["conversations"]["files"][0]["sha256"]
    )


def test_a_large_file_goes_in_parts(
    exports: Any, there: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deploy.deployment import Deployment

    monkeypatch.setattr(bucket, "PART", 5 * 1024**2)
    place = bucket.Bucket(
        Deployment(stack="local", progress=print), f"s3://{BUCKET}/parts"
    )
    content = bytes(range(256)) * 4096 * 12  # 12 MiB
    staged = tmp_path / "staged"
    staged.write_bytes(content)

    place.put("messages/messages.parquet", staged, "digest")

    there.download_file(
        BUCKET, "parts/messages/messages.parquet", str(tmp_path / "got")
    )
    assert (tmp_path / "got").read_bytes() == content
    assert (
        "-"
        in there.head_object(Bucket=BUCKET, Key="parts/messages/messages.parquet")[
            "ETag"
        ]
    )


def test_a_bucket_that_is_not_there_is_named(exports: Any, there: Any) -> None:
    code, report = exports.run(to="s3://no-such-bucket-here/one")

    assert code == 2
    assert "there is no bucket no-such-bucket-here" in report["checks"][-1]["title"]


def test_missing_credentials_are_told(
    exports: Any, there: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    code, report = exports.run(to=f"s3://{BUCKET}/one")

    assert code == 3
    assert "no AWS credentials" in report["checks"][-1]["title"]


def test_a_prefix_with_other_objects_is_left_alone(exports: Any, there: Any) -> None:
    there.put_object(Bucket=BUCKET, Key="other/photo.jpg", Body=b"x")

    code, report = exports.run(to=f"s3://{BUCKET}/other")

    assert code == 2
    assert "it is not an export" in report["checks"][-1]["title"]
