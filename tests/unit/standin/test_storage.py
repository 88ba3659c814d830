import pytest

CAT = "/storage/v1/object/avatars/2026/cat.webp"
PUBLIC_CAT = "/storage/v1/object/public/avatars/2026/cat.webp"


@pytest.fixture
def upload(http, as_admin):
    def send(content=b"meow", *, path=CAT, method="POST", **headers):
        return http.request(method, path, content=content, headers=as_admin | headers)

    return send


def test_an_uploaded_object_is_public(http, upload):
    upload(**{"content-type": "image/webp", "cache-control": "max-age=604800"})

    got = http.get(PUBLIC_CAT)

    assert got.content == b"meow"
    assert got.headers["content-type"] == "image/webp"
    assert got.headers["cache-control"] == "max-age=604800"


def test_an_object_without_cache_control_is_not_cached(http, upload):
    upload()

    assert http.get(PUBLIC_CAT).headers["cache-control"] == "no-cache"


def test_an_unchanged_object_is_not_sent_again(http, upload):
    upload()
    etag = http.get(PUBLIC_CAT).headers["etag"]

    again = http.get(PUBLIC_CAT, headers={"if-none-match": etag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_missing_object_has_status_400(http, method):
    assert http.request(method, PUBLIC_CAT).status_code == 400


def test_a_missing_object_has_the_real_status_in_its_body(http):
    missing = http.get(PUBLIC_CAT)

    assert missing.json() == {
        "statusCode": "404",
        "error": "not_found",
        "message": "Object not found",
    }
    assert missing.headers["cache-control"] == "no-store"


def test_post_does_not_replace_an_object(http, upload):
    upload(b"first")

    again = upload(b"second")

    assert (again.status_code, again.json()["statusCode"]) == (400, "409")
    assert http.get(PUBLIC_CAT).content == b"first"


@pytest.mark.parametrize("how", [{"method": "PUT"}, {"x-upsert": "true"}])
def test_put_and_upsert_replace_an_object(http, upload, how):
    upload(b"first")
    upload(b"second", **how)

    assert http.get(PUBLIC_CAT).content == b"second"


def test_a_removed_object_is_gone(http, upload, as_admin):
    upload()
    http.delete(CAT, headers=as_admin)

    assert http.get(PUBLIC_CAT).status_code == 400


def test_anon_may_not_write(http, as_anon):
    refused = http.post(CAT, content=b"x", headers=as_anon)

    assert refused.json()["statusCode"] == "403"
    assert http.get(PUBLIC_CAT).status_code == 400


@pytest.mark.parametrize(
    "path", ["..%2F..%2Fstack.json", "a%2F..%2Fb", "a//b", "%2Fetc", "a%00b"]
)
def test_a_path_that_leads_elsewhere_is_refused(upload, stack, path):
    refused = upload(path=f"/storage/v1/object/avatars/{path}")

    assert refused.status_code == 400
    assert not list(stack.state.glob("storage/*"))


def test_an_object_larger_than_the_limit_is_refused(http, upload, monkeypatch):
    monkeypatch.setattr("deploy.standin.storage.LARGEST_BYTES", 3)

    assert upload(b"1234").json()["statusCode"] == "413"
    assert http.get(PUBLIC_CAT).status_code == 400
