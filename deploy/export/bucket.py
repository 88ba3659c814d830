"""An export in a bucket: AWS S3, or a store that speaks its API.

Credentials come from where the AWS CLI takes them, or on ``local`` from the emulator;
``AWS_ENDPOINT_URL_S3`` names another store (Supabase Storage, R2, MinIO, Google).
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy import account
from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError, UsageError
from deploy.export.manifest import MANIFEST, PUBLISHING
from deploy.local.files import private_folder

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
NAME = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
PREFIX = re.compile(r"[A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*")
MIB = 1024**2
PART = 16 * MIB
"""Of a multipart upload: 10,000 parts, S3's most, are 156 GiB."""

THREADS = 2
SHA256 = "sha256"
"""Metadata of each object."""

STAGING = "export-staging"


class Bucket:
    """A prefix in a bucket; each object is replaced in one step."""

    def __init__(self, deployment: Deployment, to: str) -> None:
        found = NAME.fullmatch(to)
        prefix = (found.group(2) or "").strip("/") if found else ""
        if found is None or (prefix and not PREFIX.fullmatch(prefix)):
            raise UsageError(
                f"--to {to}: must be s3://BUCKET/PREFIX, the bucket of 3 to 63"
                " lower-case letters, digits, dots and hyphens, the prefix of letters,"
                " digits and _.=-/; nothing was exported",
                remedy="./bootstrap db.export --to s3://my-bucket/analytics",
            )
        self._bucket = found.group(1)
        self._prefix = f"{prefix}/" if prefix else ""
        self._deployment = deployment
        self._folder = deployment.records / STAGING
        self._s3 = _client(deployment)

    @property
    def name(self) -> str:
        """How it is named in messages."""
        return self.uri

    @property
    def uri(self) -> str:
        """How other tools name it."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def check(self) -> None:
        """Look whether an export may be here.

        Raises:
            UsageError: There is no such bucket, it is in another region, or the prefix
                has something else.
            AuthError: The credentials are missing or refused.
        """
        with self._explained("looking at it"):
            self._s3.head_bucket(Bucket=self._bucket)
            found = self._s3.list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1
            )
        if not found.get("KeyCount"):
            return
        if self.read(MANIFEST) is None and self.read(PUBLISHING) is None:
            raise UsageError(
                f"--to {self.uri}: has objects and no {MANIFEST}: it is not an export;"
                " nothing was exported",
                remedy=f"give --to s3://{self._bucket}/another-prefix",
            )

    def scratch(self) -> Path:
        """Make an empty folder for files on their way here."""
        self.clear()
        return private_folder(self._folder)

    def clear(self) -> None:
        """Delete what was on its way."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def read(self, path: str) -> bytes | None:
        """Read a small object; ``None`` if it is not there."""
        with self._explained(f"reading {path}"):
            try:
                found = self._s3.get_object(Bucket=self._bucket, Key=self._key(path))
            except self._s3.exceptions.NoSuchKey:
                return None
            content: bytes = found["Body"].read()
            return content

    def sizes(self) -> dict[str, int]:
        """Give the bytes of each Parquet file by path."""
        found = {}
        with self._explained("listing its objects"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            for page in pages:
                for each in page.get("Contents", []):
                    if each["Key"].endswith(".parquet"):
                        path = each["Key"].removeprefix(self._prefix)
                        found[path] = int(each["Size"])
        return found

    def fetch(self, path: str, target: Path) -> None:
        """Copy an object to a place of this machine."""
        with self._explained(f"reading {path}"):
            self._s3.download_file(
                self._bucket, self._key(path), str(target), Config=_transfer()
            )

    def write(self, path: str, content: bytes) -> None:
        """Replace a small object."""
        with self._explained(f"writing {path}"):
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self._key(path),
                Body=content,
                ContentType="application/json",
            )

    def put(self, path: str, staged: Path, sha256: str) -> None:
        """Upload a file, in parts if it is large; it is seen whole or not at all.

        Raises:
            DeployError: What arrived has another size.
        """
        size = staged.stat().st_size
        with self._explained(f"writing {path}"):
            self._s3.upload_file(
                str(staged),
                self._bucket,
                self._key(path),
                ExtraArgs={"Metadata": {SHA256: sha256}},
                Config=_transfer(),
            )
            seen = self._s3.head_object(Bucket=self._bucket, Key=self._key(path))
        if seen["ContentLength"] != size:
            raise DeployError(
                f"{self.uri}/{path}: {seen['ContentLength']:,} bytes arrived of"
                f" {size:,}; the manifest was not written",
                remedy="run the same command again",
            )
        staged.unlink()

    def delete(self, path: str) -> None:
        """Delete an object."""
        with self._explained(f"deleting {path}"):
            self._s3.delete_object(Bucket=self._bucket, Key=self._key(path))

    def _key(self, path: str) -> str:
        return f"{self._prefix}{path}"

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        """Turn what a store refuses into errors that say what to do."""
        from boto3.exceptions import S3UploadFailedError
        from botocore.exceptions import ClientError

        try:
            with account.explained(self._deployment, f"{self.uri}, {doing}"):
                try:
                    yield
                except ClientError as error:
                    if told := self._told(error.response):
                        raise told from error
                    raise
        except S3UploadFailedError as error:
            cause = error.__cause__ or error.__context__
            told = self._told(getattr(cause, "response", {}))
            raise told or DeployError(
                f"{self.uri}, {doing}: the store refuses it: {type(cause).__name__};"
                " the manifest was not written",
                remedy="run the same command again",
            ) from error

    def _told(self, answer: Any) -> DeployError | None:
        """Say what a bucket's refusal means; ``None`` for what is no bucket's."""
        code = str(answer.get("Error", {}).get("Code", ""))
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if code in ("NoSuchBucket", "404", "NotFound"):
            return UsageError(
                f"--to {self.uri}: there is no bucket {self._bucket}; nothing more was"
                " written",
                remedy=f"aws s3 mb s3://{self._bucket}",
            )
        region = headers.get("x-amz-bucket-region")
        if code in ("301", "PermanentRedirect", "AuthorizationHeaderMalformed"):
            return UsageError(
                f"--to {self.uri}: the bucket is in region {region or 'unknown'}, not"
                f" in {self._s3.meta.region_name}; nothing more was written",
                remedy=f"export AWS_REGION={region or '<its region>'}",
            )
        if code in ("403", "Forbidden"):
            return AuthError(
                f"--to {self.uri}: the credentials may not use the bucket",
                remedy=account.LOGIN,
            )
        return None


def _client(deployment: Deployment) -> Any:
    """Make the client of the store."""
    named = (os.environ.get(name, "") for name in ENDPOINTS)
    endpoint = next((each for each in named if each), "")
    if not endpoint:
        return account.client(deployment, "s3")
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=account.CONNECT_TIMEOUT_S,
        read_timeout=account.READ_TIMEOUT_S,
        # Not every store has a name for each bucket, nor AWS's newer checksums.
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    with account.explained(deployment, f"the store {endpoint}"):
        make: Any = boto3.Session(region_name=region or "auto").client
        return make("s3", endpoint_url=endpoint, config=config)


def _transfer() -> Any:
    """Bound the memory of an upload."""
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(
        multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=THREADS
    )
