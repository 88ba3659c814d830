"""The ledger keeps what it is told and survives damage."""

from deploy import ledger


def test_entries_are_added_and_kept(tmp_path):
    ledger.write(tmp_path, infrastructure="a")
    ledger.write(tmp_path, functions_proved="b")

    assert ledger.read(tmp_path) == {"infrastructure": "a", "functions_proved": "b"}


def test_a_damaged_ledger_counts_as_empty(tmp_path):
    (tmp_path / ledger.FILE).write_text("{half")

    assert ledger.read(tmp_path) == {}


def test_a_missing_ledger_counts_as_empty(tmp_path):
    assert ledger.read(tmp_path) == {}
