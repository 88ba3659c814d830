"""The journal tells where a deploy ended, however it ended."""

import pytest

from deploy import journal
from deploy.errors import ExitCode, UsageError
from deploy.journal import Journal

STEPS = ("preflight", "database", "migrations")


def test_a_killed_deploy_leaves_the_step_in_which_it_was(tmp_path):
    notes = Journal(tmp_path, STEPS)
    notes.step_started("preflight", "")
    notes.step_started("database", "")

    entry = journal.last(tmp_path)

    assert entry is not None
    assert (entry.done, entry.current, entry.is_finished) == (
        ("preflight",),
        "database",
        False,
    )
    assert journal.resume_from(entry) == "database"


def test_a_failed_deploy_resumes_at_the_step_that_failed(tmp_path):
    notes = Journal(tmp_path, STEPS)
    for step in STEPS:
        notes.step_started(step, "")
    notes.end(ExitCode.HALF_DONE)

    entry = journal.last(tmp_path)

    assert entry is not None
    assert entry.ending == "with exit 5"
    assert journal.resume_from(entry) == "migrations"


def test_a_deploy_killed_before_its_first_step_resumes_at_the_first(tmp_path):
    Journal(tmp_path, STEPS)

    assert journal.resume_from(journal.last(tmp_path)) == "preflight"


def test_there_is_nothing_to_resume_after_a_done_deploy(tmp_path):
    notes = Journal(tmp_path, STEPS)
    for step in STEPS:
        notes.step_started(step, "")
    notes.end(ExitCode.DONE)

    entry = journal.last(tmp_path)

    assert entry is not None
    assert entry.done == STEPS
    with pytest.raises(UsageError, match="no deploy to resume: the last one"):
        journal.resume_from(entry)


def test_there_is_nothing_to_resume_before_the_first_deploy(tmp_path):
    with pytest.raises(UsageError, match="none began"):
        journal.resume_from(journal.last(tmp_path))


def test_a_damaged_journal_counts_as_none(tmp_path):
    (tmp_path / journal.FILE).write_text('{"pid": ')

    assert journal.last(tmp_path) is None
