"""Both clients of storage do the same with the stand-in, also when it fails."""

import os
from uuid import uuid4

import pytest

from functions.shared.storage import (
    ObjectNotFoundError,
    ObjectTooLargeError,
    StorageError,
    retrying,
)
from functions.shared.storage.rest import RestStorage
from functions.shared.storage.s3 import S3Storage

LARGE = os.urandom(9 * 1024**2)
FAULT = "x-standin-fault"


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr(retrying, "pause_s", lambda attempt: 0)


def rest(standin):
    return RestStorage(standin.url, standin.service_role_key)


def s3(standin):
    url = f"{standin.url}/storage/v1/s3"
    return S3Storage(url, "eu-central-1", "kiloscale", standin.service_role_key)


@pytest.fixture(scope="module", params=[rest, s3], ids=["rest", "s3"])
def storage(request, standin):
    return request.param(standin)


@pytest.fixture
def bucket():
    return f"b-{uuid4().hex}"


def put(storage, bucket, path="u1/cat 1.webp", data=b"meow"):
    return storage.upload(
        bucket, path, data, content_type="image/webp", max_age_s=604_800
    )


@pytest.fixture
def failing(monkeypatch):
    """Has the first requests of a REST client, from the n-th on, meet a fault."""

    def fail(storage, fault, *, times, after=0):
        send, count = storage.send, iter(range(10_000))

        def sent(*args, headers=None, **more):
            is_hit = after <= next(count) < after + times
            extra = {FAULT: fault} if is_hit else {}
            return send(*args, headers={**(headers or {}), **extra}, **more)

        monkeypatch.setattr(storage, "send", sent)

    return fail


def test_an_object_is_written_once_and_read_again(storage, bucket):
    assert put(storage, bucket)
    got = storage.download(bucket, "u1/cat 1.webp", limit=100)

    assert got.data == b"meow"
    assert got.info.content_type == "image/webp"
    assert got.info.cache_control == "max-age=604800"
    assert not put(storage, bucket)


def test_a_name_in_use_is_never_written_over(storage, bucket):
    put(storage, bucket)

    with pytest.raises(StorageError) as refused:
        put(storage, bucket, data=b"other")

    assert refused.value.is_permanent
    assert str(refused.value) == (
        f"storage: upload of {bucket}/u1/cat 1.webp: 409 Duplicate;"
        " an object with other content has this name"
    )
    assert storage.download(bucket, "u1/cat 1.webp", limit=100).data == b"meow"


def test_a_large_object_goes_in_parts_and_arrives_whole(storage, bucket):
    put(storage, bucket, data=LARGE)

    assert storage.download(bucket, "u1/cat 1.webp", limit=2**30).data == LARGE


def test_an_object_beyond_the_limit_is_not_read(storage, bucket):
    put(storage, bucket)

    with pytest.raises(ObjectTooLargeError, match="4 bytes, at most 3 are taken"):
        storage.download(bucket, "u1/cat 1.webp", limit=3)


def test_a_missing_object_is_named(storage, bucket):
    with pytest.raises(ObjectNotFoundError) as missing:
        storage.download(bucket, "no.png", limit=3)

    assert str(missing.value) == (
        f"storage: download of {bucket}/no.png: 404 not found;"
        " look whether it was deleted or renamed"
    )


def test_pages_have_every_object_once(storage, bucket):
    names = [f"u{number:02d}/a.png" for number in range(7)]
    for name in names:
        put(storage, bucket, name)

    found, cursor = [], None
    while True:
        page = storage.page(bucket, "u", cursor, 3)
        found += [each.path for each in page.objects]
        cursor = page.cursor
        if cursor is None:
            break

    assert found == names
    assert page.objects[0].size == 4


def test_a_removed_object_is_gone(storage, bucket):
    put(storage, bucket)

    assert storage.remove(bucket, "u1/cat 1.webp")
    assert not storage.remove(bucket, "u1/cat 1.webp")


@pytest.mark.parametrize("fault", ["500", "503", "429"])
def test_a_passing_failure_is_tried_again(standin, bucket, failing, fault):
    storage = rest(standin)
    failing(storage, fault, times=2)

    assert put(storage, bucket)


def test_an_upload_whose_answer_was_lost_is_found_and_not_refused(
    standin, bucket, failing
):
    storage = rest(standin)
    failing(storage, "lost", times=1)

    assert not put(storage, bucket)
    assert storage.download(bucket, "u1/cat 1.webp", limit=100).data == b"meow"


def test_a_part_that_broke_off_is_sent_again_and_no_other(standin, bucket, failing):
    storage = rest(standin)
    failing(storage, "503", times=2, after=2)

    put(storage, bucket, data=LARGE)

    assert storage.download(bucket, "u1/cat 1.webp", limit=2**30).data == LARGE


@pytest.mark.parametrize("fault", ["corrupt", "truncated"])
def test_damaged_bytes_are_read_again(standin, bucket, failing, fault):
    storage = rest(standin)
    put(storage, bucket)
    failing(storage, fault, times=1)

    assert storage.download(bucket, "u1/cat 1.webp", limit=100).data == b"meow"


def test_bytes_that_stay_damaged_are_an_error(standin, bucket):
    put(rest(standin), bucket)
    storage = RestStorage(standin.url, standin.service_role_key, {FAULT: "corrupt"})

    with pytest.raises(StorageError, match="are not those of the object"):
        storage.download(bucket, "u1/cat 1.webp", limit=100)


@pytest.mark.parametrize("make", [rest, s3], ids=["rest", "s3"])
def test_a_wrong_key_is_told_and_not_tried_again(standin, bucket, make):
    if make is rest:
        storage = RestStorage(standin.url, "wrong")
    else:
        storage = S3Storage(f"{standin.url}/storage/v1/s3", "x", "kiloscale", "wrong")

    with pytest.raises(StorageError) as refused:
        storage.page(bucket, "")

    assert refused.value.is_permanent
    assert "check the key" in str(refused.value)
    assert "wrong" not in str(refused.value)


def test_a_server_that_is_away_is_a_passing_failure(bucket):
    with pytest.raises(StorageError) as away:
        RestStorage("http://127.0.0.1:9", "key").info(bucket, "a.png")

    assert (away.value.is_permanent, away.value.reason) == (
        False,
        "ConnectionRefusedError",
    )
