"""images.backfill and images.restore: once, resumable, and back."""

import pytest
from compress_service import BUCKET, Desk, picture

from deploy.checklist import Status
from deploy.errors import DeployError
from deploy.images.access import Place
from deploy.images.backfill import backfilled
from deploy.images.estimating import estimated
from deploy.images.finding import StorageAwayError
from deploy.images.restoring import restored
from functions.compress_image import images
from functions.compress_image.decoder import DecoderError
from functions.shared.storage import retrying
from functions.shared.storage.rest import RestStorage

FAST = 600


@pytest.fixture
def desk(app_url, standin):
    desk = Desk(app_url, standin)
    # Another test's objects lie in the same bucket.
    for each in desk.storage.page(BUCKET, "").objects:
        desk.storage.remove(BUCKET, each.path)
    yield desk
    desk.close()


@pytest.fixture
def place(desk):
    return Place(storage=desk.storage, service=desk.service, connection=desk.connection)


def run(place, most=None):
    return next(backfilled(place, [BUCKET], FAST, most, lambda text: None))


def test_a_run_that_ended_early_goes_on_and_ends_with_every_image_once(desk, place):
    paths = [
        desk.put(picture(seed=seed).pngsave_buffer(), f"{seed}.png")
        for seed in range(3)
    ]
    desk.put(b"<svg/>", "chart.svg", "image/svg+xml")
    rows = [desk.row(path) for path in paths]
    desk.run("truncate kiloscale.outbox")

    (planned,) = estimated(place, [BUCKET], FAST, 0, lambda text: None)
    first = run(place, most=1)
    second = run(place)
    third = run(place)

    assert planned.evidence["images"] == 4
    assert [r.evidence["images"] for r in (first, second, third)] == [
        {"compressed": 1},
        {"compressed": 2, "refused": 1},
        {},
    ]
    assert second.evidence["refused_for"] == {"unsupported": 1}
    assert second.evidence["saved_percent"] > 50
    assert all(".ks" in desk.address(row)[0] for row in rows)
    assert not third.changed
    assert desk.value("select sum(rows) from kiloscale.run_log") == 3
    assert desk.known(paths[0])["user_id"] == str(desk.user)


def test_restoring_gives_every_row_its_original_and_a_new_run_leaves_it(desk, place):
    path = desk.put(picture().pngsave_buffer())
    row = desk.row(path)
    run(place)

    (planned,) = restored(place, lambda text: None, dry_run=True)
    (done,) = restored(place, lambda text: None, dry_run=False)

    assert (planned.planned, done.evidence["rows"]) == (True, 1)
    assert desk.address(row) == (desk.url(path), path)
    assert run(place).evidence["images"] == {}


def test_storage_that_is_away_ends_the_run_with_what_to_do(desk, monkeypatch):
    monkeypatch.setattr(retrying, "pause_s", lambda attempt: 0)
    away = RestStorage("http://127.0.0.1:9", "key")
    place = Place(storage=away, service=desk.service, connection=desk.connection)

    with pytest.raises(StorageAwayError) as told:
        run(place)

    assert told.value.remedy == "./bootstrap images.backfill"
    assert "what was done so far stays done" in str(told.value)


def test_a_dry_run_tells_what_a_sample_saves_and_writes_nothing(desk, place):
    for seed in range(3):
        desk.put(picture(seed=seed).pngsave_buffer(), f"{seed}.png")
    desk.put(b"<svg/>", "chart.svg", "image/svg+xml")

    before = {each.path for each in desk.storage.page(BUCKET, "").objects}
    (told,) = estimated(place, [BUCKET], FAST, 2, lambda text: None)
    done = run(place).evidence

    seen = told.evidence["sample"]
    assert (told.evidence["images"], seen["images_read"]) == (4, 2)
    assert "a sample of 2 saves" in told.title
    exact = done["bytes_before"] - done["bytes_after"]
    assert told.evidence["estimated_bytes_saved"] == pytest.approx(exact, rel=0.2)
    assert len(before) == 4
    assert done["images"] == {"compressed": 3, "refused": 1}


def test_a_decoder_that_fails_once_is_told_and_three_times_ends_the_run(
    desk, place, monkeypatch
):
    for seed in range(4):
        desk.put(picture(200, seed).pngsave_buffer(), f"{seed}.png")
    fails = iter([True, False, True, False])
    right = images.compress

    def sometimes(*given):
        if next(fails):
            raise DecoderError("exit code 1")
        return right(*given)

    monkeypatch.setattr(images, "compress", sometimes)
    told = run(place)
    assert told.status is Status.WARN
    assert told.evidence["images"] == {"failed": 2, "compressed": 2}

    fails = iter([True] * 9)
    desk.put(picture(200, 7).pngsave_buffer(), "7.png")
    with pytest.raises(DeployError, match="failed for 3 images in a row, exit code 1"):
        run(place)
