"""compress_image from the row of an image to its smaller form, and back."""

import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import pyvips
from compress_service import BUCKET, Desk, picture

from functions.compress_image.images import Compressor
from functions.compress_image.outcomes import Outcome
from functions.shared.storage import StorageError, retrying
from functions.shared.storage.rest import RestStorage

PNG = picture().pngsave_buffer()


@pytest.fixture(scope="module")
def images_url(cluster, services_template):
    """One database for all tests: each has a user and a folder of its own."""
    with cluster.admin() as conn:
        conn.execute(
            f"CREATE DATABASE images TEMPLATE {services_template} OWNER postgres"
        )
    yield cluster.url("images")
    with cluster.admin() as conn:
        conn.execute("DROP DATABASE images WITH (FORCE)")


@pytest.fixture
def desk(images_url, standin):
    desk = Desk(images_url, standin)
    yield desk
    desk.run("truncate kiloscale.outbox, kiloscale.images, kiloscale.image_urls")
    desk.close()


def test_a_new_row_names_the_smaller_form_soon_and_the_original_stays(desk):
    path = desk.put(PNG)
    row = desk.row(path)
    (outbox_id,) = desk.asked()

    outcome = desk.service.work(outbox_id)

    url, image_path = desk.address(row)
    with urllib.request.urlopen(url) as answer:
        smaller = answer.read()
        headers = answer.headers
    assert outcome is Outcome.COMPRESSED
    assert len(smaller) < len(PNG) / 2
    assert headers["content-type"] == "image/webp"
    assert headers["cache-control"] == "max-age=604800"
    assert url == desk.url(image_path)
    assert pyvips.Image.webpload_buffer(smaller).width == 400
    assert desk.storage.download(BUCKET, path, limit=10**7).data == PNG
    assert desk.asked() == []


def test_what_is_known_has_each_form_with_its_measures(desk):
    path = desk.put(PNG)
    desk.row(path)
    desk.service.work(desk.asked()[0])

    known = desk.known(path)

    assert (known["state"], known["width"], known["frames"]) == ("compressed", 400, 1)
    assert [form["thumbnail_side"] for form in known["forms"]] == [None, 320]
    assert known["forms"][0]["similarity"] >= 0.95
    assert known["source_bytes"] == len(PNG)


def test_both_tables_name_the_form_after_one_request(desk):
    path = desk.put(PNG)
    rows = [desk.row(path), desk.row(path, "image_generation_log")]

    desk.service.work(*desk.asked())

    assert desk.address(rows[0]) == desk.address(rows[1], "image_generation_log")
    assert ".ks" in desk.address(rows[0])[0]


def test_a_second_row_of_the_same_image_costs_no_second_compression(desk, monkeypatch):
    path = desk.put(PNG)
    desk.row(path)
    desk.service.work(*desk.asked())
    monkeypatch.setattr("functions.compress_image.images.compress", None)
    row = desk.row(path)

    assert desk.service.work(*desk.asked()) is Outcome.COMPRESSED
    assert ".ks" in desk.address(row)[0]


def test_a_row_of_an_image_that_was_overwritten_names_the_new_content(desk):
    path = desk.put(PNG)
    row = desk.row(path)
    desk.service.work(*desk.asked())
    before = desk.address(row)
    desk.storage.remove(BUCKET, path)
    desk.put(picture(seed=2).pngsave_buffer())
    desk.run(
        "update user_images set image_url = %s, image_path = %s where id = %s",
        desk.url(path),
        path,
        row,
    )

    assert desk.service.work(*desk.asked()) is Outcome.COMPRESSED

    after = desk.address(row)
    assert ".ks" in after[0]
    assert after != before
    assert after[1] == desk.known(path)["forms"][0]["path"]
    # The old form is another object: no copy of it has to be purged.
    assert desk.storage.info(BUCKET, before[1]).size > 0


def test_a_message_that_comes_twice_changes_nothing(desk):
    path = desk.put(PNG)
    row = desk.row(path)
    (outbox_id,) = desk.asked()
    desk.service.work(outbox_id)
    before = desk.address(row), desk.known(path)

    assert desk.service.work(outbox_id) is Outcome.GONE
    assert (desk.address(row), desk.known(path)) == before


def test_of_two_consumers_one_works(images_url, standin, desk):
    path = desk.put(PNG)
    desk.row(path)
    (outbox_id,) = desk.asked()
    other = Desk(images_url, standin)

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(
            pool.map(lambda each: each.service.work(outbox_id), (desk, other))
        )
    other.close()

    assert Outcome.COMPRESSED in outcomes
    assert outcomes <= {Outcome.COMPRESSED, Outcome.BUSY, Outcome.GONE}
    assert desk.value("select count(*) from kiloscale.images") == 1


def test_an_image_that_does_not_get_smaller_keeps_its_address(desk):
    small = picture().webpsave_buffer(Q=1, effort=6)
    path = desk.put(small, "tiny.webp", "image/webp")
    row = desk.row(path)

    assert desk.service.work(*desk.asked()) is Outcome.KEPT
    assert desk.address(row)[0] == desk.url(path)
    assert "not smaller than the original" in desk.known(path)["reason"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported: SVG"),
        (PNG[: len(PNG) // 2], "damaged: the PNG cannot be decoded"),
        (b"", "empty: the file has no bytes"),
    ],
)
def test_what_is_no_good_image_is_left_with_the_reason(desk, data, reason):
    path = desk.put(data)
    row = desk.row(path)

    assert desk.service.work(*desk.asked()) is Outcome.REFUSED
    assert desk.known(path)["reason"].startswith(reason)
    assert desk.address(row)[0] == desk.url(path)
    assert desk.asked() == []


def test_an_image_that_was_deleted_is_no_failure_for_ever(desk):
    desk.row("gone.png")

    assert desk.service.work(*desk.asked()) is Outcome.REFUSED
    assert desk.known("gone.png")["reason"].startswith("storage-not-found")


def test_storage_that_is_away_leaves_the_row_for_another_try(desk, monkeypatch):
    monkeypatch.setattr(retrying, "pause_s", lambda attempt: 0)
    path = desk.put(PNG)
    row = desk.row(path)
    (outbox_id,) = desk.asked()
    away = Compressor(
        desk.database, RestStorage("http://127.0.0.1:9", "key"), (BUCKET,)
    )

    with pytest.raises(StorageError):
        away.work(outbox_id)

    left = desk.connection.execute(
        "select leased_until, last_error from kiloscale.outbox where id = %s",
        (outbox_id,),
    ).fetchone()
    assert left[0] is None
    assert "ConnectionRefusedError" in left[1]
    assert desk.service.work(outbox_id) is Outcome.COMPRESSED
    assert ".ks" in desk.address(row)[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://x.test/storage/v1/object/public/other-bucket/a.png",
        "https://x.test/storage/v1/object/public/generated-images/%2e%2e/secret.png",
        "https://x.test/storage/v1/object/public/generated-images/a%00b.png",
    ],
)
def test_addresses_elsewhere_are_left_alone(desk, url):
    row = desk.value(
        "insert into user_images (user_id, image_url) values (%s, %s) returning id",
        desk.user,
        url,
    )

    assert desk.service.work(*desk.asked()) is Outcome.REFUSED
    assert desk.address(row)[0] == url
    assert desk.asked() == []


@pytest.mark.parametrize(
    "url", ["https://x.test/cat.png", "https://x.test/object/sign/a/b.png?token=1"]
)
def test_addresses_that_are_not_public_objects_ask_for_nothing(desk, url):
    desk.run(
        "insert into user_images (user_id, image_url) values (%s, %s)", desk.user, url
    )

    assert desk.asked() == []


def test_a_name_with_a_space_is_found_and_written(desk):
    path = desk.put(PNG, "my cat.png")
    quoted = path.replace(" ", "%20")
    row = desk.value(
        "insert into user_images (user_id, image_url) values (%s, %s) returning id",
        desk.user,
        desk.url(quoted) + "?v=2",
    )

    desk.service.work(*desk.asked())

    url = desk.address(row)[0]
    assert url.startswith(desk.url(quoted.removesuffix(".png")))
    with urllib.request.urlopen(url) as answer:
        assert answer.status == 200


def test_restoring_puts_every_address_back_and_asks_for_nothing(desk):
    path = desk.put(PNG)
    row = desk.row(path)
    desk.service.work(*desk.asked())

    restored = desk.value("select kiloscale.restore_image_urls(100)")

    assert restored == 1
    assert desk.address(row) == (desk.url(path), path)
    assert desk.known(path)["state"] == "restored"
    assert desk.asked() == []
    assert desk.value("select kiloscale.restore_image_urls(100)") == 0


def test_a_restored_image_stays_restored_when_it_is_asked_for_again(desk):
    path = desk.put(PNG)
    row = desk.row(path)
    desk.service.work(*desk.asked())
    desk.value("select kiloscale.restore_image_urls(100)")
    desk.row(path)

    assert desk.service.work(*desk.asked()) is Outcome.RESTORED
    assert desk.address(row)[0] == desk.url(path)


def test_restoring_leaves_what_the_app_has_changed_since(desk):
    path = desk.put(PNG)
    row = desk.row(path)
    desk.service.work(*desk.asked())
    desk.run("update user_images set image_url = 'https://x.test/' where id = %s", row)

    desk.value("select kiloscale.restore_image_urls(100)")

    assert desk.address(row)[0] == "https://x.test/"


def test_deleting_a_user_reaches_what_is_known_of_the_images(desk):
    path = desk.put(PNG)
    desk.row(path)
    desk.service.work(*desk.asked())

    desk.run("delete from profiles where id = %s", desk.user)

    assert desk.value("select count(*) from kiloscale.images") == 0
    assert desk.value("select count(*) from kiloscale.image_urls") == 0


def test_a_range_that_makes_no_sense_is_refused(desk):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="p_rows must be"):
        desk.value("select kiloscale.restore_image_urls(0)")
