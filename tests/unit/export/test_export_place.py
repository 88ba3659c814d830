"""Where an export is: manifests, keys and full disks."""

import json
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import duckdb
import pytest

from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError, UsageError
from deploy.export import manifest, pseudonyms
from deploy.export.bucket import Bucket
from deploy.export.folder import Folder
from deploy.export.pseudonyms import Key, key
from deploy.export.staging import explained

ID = "2c1b0b8e-0c3b-4a5e-9b7e-1f2d3c4b5a69"


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.delenv(pseudonyms.KEY_VARIABLE, raising=False)
    return Deployment(stack="local", progress=lambda _: None, state=tmp_path / "state")


def document(path: str, stack: str = "local") -> bytes:
    entry = {
        "path": path,
        "value": "",
        "rows": 1,
        "bytes": 1,
        "sha256": "",
        "fingerprint": "",
    }
    table = {"columns": [], "files": [entry], "exported_at": ""}
    made = {
        "format": 1,
        "stack": stack,
        "exported_at": "",
        "key_id": "k",
        "tables": {"messages": table},
    }
    return json.dumps(made).encode()


@pytest.mark.parametrize(
    "path",
    ["../etc/passwd", "/etc/x.parquet", "messages/../../x.parquet", "m/a b.parquet"],
)
def test_a_manifest_that_names_other_files_is_refused(
    tmp_path: Path, path: str
) -> None:
    (tmp_path / manifest.MANIFEST).write_bytes(document(path))

    with pytest.raises(DeployError, match="is no file of an export"):
        manifest.last(Folder(tmp_path), "local")


def test_the_export_of_another_stack_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / manifest.MANIFEST).write_bytes(document("a/a.parquet", "production"))

    with pytest.raises(UsageError, match="has the export of stack production"):
        manifest.last(Folder(tmp_path), "local")


def test_a_manifest_that_was_cut_off_is_told(tmp_path: Path) -> None:
    (tmp_path / manifest.MANIFEST).write_bytes(document("a/a.parquet")[:40])

    with pytest.raises(DeployError, match=r"manifest.json cannot be read"):
        manifest.last(Folder(tmp_path), "local")


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"")

    with pytest.raises(UsageError, match="it is not an export"):
        Folder(tmp_path).check()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(UsageError, match="is a file, must be a folder"):
        Folder(tmp_path / "file").check()


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "exported")
    staged = folder.scratch() / "staged"
    staged.write_bytes(b"x")

    folder.put("messages/month=2026-10-01/messages.parquet", staged, "")

    made = tmp_path / "exported/messages/month=2026-10-01/messages.parquet"
    assert made.stat().st_mode & 0o077 == 0
    assert (tmp_path / "exported").stat().st_mode & 0o077 == 0


def test_a_pseudonym_depends_on_the_key_and_the_kind() -> None:
    one, two = Key(secret=b"a" * 32), Key(secret=b"b" * 32)

    found = {one.pseudonym("user", ID), two.pseudonym("user", ID)}
    found |= {one.pseudonym("profile", ID)}

    assert len(found | {ID}) == 4
    assert one.pseudonym("user", ID) == one.pseudonym("user", ID)
    assert UUID(one.pseudonym("user", ID)).version == 8


def test_the_key_is_made_once_and_shown_nowhere(deployment: Deployment) -> None:
    made = key(deployment, real=False, expected=None)
    again = key(deployment, real=False, expected=made.id)

    assert made.made is not None
    assert made.made.stat().st_mode & 0o077 == 0
    assert again.made is None
    assert again.id == made.id
    assert str(made.secret) not in repr(made)


def test_a_dry_run_makes_no_key(deployment: Deployment) -> None:
    deployment.dry_run = True
    key(deployment, real=False, expected=None)

    assert not (deployment.records / pseudonyms.KEY_FILE).exists()


@pytest.mark.parametrize(
    ("real", "expected", "said"),
    [
        (False, "0123", "of key 0123, which is not here"),
        (False, "real", "has real user ids"),
        (True, "0123", "this run would write real user ids"),
    ],
)
def test_a_user_is_never_two(
    deployment: Deployment, real: bool, expected: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        key(deployment, real=real, expected=expected)


def test_a_short_key_is_refused_without_showing_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(pseudonyms.KEY_VARIABLE, "guessable")

    with pytest.raises(UsageError, match="has 9 characters") as refused:
        key(deployment, real=False, expected=None)

    assert "guessable" not in str(refused.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (duckdb.IOException("write: No space left on device: secret"), "disk is full"),
        (duckdb.InvalidInputException("Original Line: secret"), "refuses its rows"),
    ],
)
def test_what_duckdb_says_never_quotes_a_row(
    tmp_path: Path, error: Exception, said: str
) -> None:
    with (
        pytest.raises(DeployError, match=said) as told,
        explained(tmp_path, "messages"),
    ):
        raise error

    assert "secret" not in str(told.value)
    assert told.value.__cause__ is None


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("s3://", "must be s3"),
        ("s3://UPPER/x", "must be s3"),
        ("s3://ok/a b", "must be s3"),
    ],
)
def test_an_address_that_is_no_bucket_is_refused(
    deployment: Deployment, to: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        Bucket(deployment, to)


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("301", UsageError, "in region eu-west-1, not in us-east-1"),
        ("403", AuthError, "may not use the bucket"),
        ("NoSuchBucket", UsageError, "there is no bucket data-test"),
    ],
)
def test_what_a_bucket_refuses_is_told(
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    kind: type[DeployError],
    said: str,
) -> None:
    from botocore.exceptions import ClientError

    def head_bucket(**_: str) -> None:
        headers = {"x-amz-bucket-region": "eu-west-1"}
        raise ClientError(
            {
                "Error": {"Code": code, "Message": ""},
                "ResponseMetadata": {"HTTPHeaders": headers},
            },  # type: ignore[typeddict-item]
            "HeadBucket",
        )

    s3 = SimpleNamespace(
        head_bucket=head_bucket, meta=SimpleNamespace(region_name="us-east-1")
    )
    monkeypatch.setattr("deploy.export.bucket._client", lambda _: s3)

    with pytest.raises(kind, match=said):
        Bucket(deployment, "s3://data-test/one").check()
