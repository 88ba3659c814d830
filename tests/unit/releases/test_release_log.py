"""The log of releases and the note of what was live before one."""

import stat

from deploy.releases import log, pending
from deploy.releases.versions import Version

ONE = {"chat-send": Version(number=1, sha256="a")}
TWO = {"chat-send": Version(number=2, sha256="b")}


def test_what_is_written_is_read_again_with_the_next_number(tmp_path):
    log.append(tmp_path, log.DEPLOYED, ONE, proved=True, migrations=["2", "1"])
    log.append(tmp_path, log.ROLLED_BACK, TWO)

    first, second = log.read(tmp_path)

    assert (first.number, first.services, first.migrations) == (1, ONE, ("1", "2"))
    assert (second.number, second.proved, second.migrations) == (2, False, None)
    assert stat.S_IMODE((tmp_path / log.FILE).stat().st_mode) == 0o600


def test_the_oldest_entries_go_and_numbers_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "KEPT", 2)
    for _ in range(4):
        log.append(tmp_path, log.DEPLOYED, ONE)

    assert [entry.number for entry in log.read(tmp_path)] == [3, 4]


def test_a_damaged_log_is_an_empty_one(tmp_path):
    (tmp_path / log.FILE).write_text('[{"number": 1}]')

    assert log.read(tmp_path) == []


def test_an_unproved_release_keeps_the_way_back_of_the_one_before(tmp_path):
    pending.begin(tmp_path, ONE)
    pending.begin(tmp_path, TWO)

    assert pending.read(tmp_path) == ONE
    pending.end(tmp_path)
    assert pending.read(tmp_path) is None


def test_before_a_first_release_nothing_was_live(tmp_path):
    pending.begin(tmp_path, {})

    assert pending.read(tmp_path) == {}
