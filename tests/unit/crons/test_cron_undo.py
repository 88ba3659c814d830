"""The statements that a receipt holds bring back what there was."""

from deploy.crons.compare import Change
from deploy.crons.undo import undo


def of(rows, action, **installed):
    before = rows.installed(**installed) if installed else None
    change = Change(action=action, name="tidy", installed=before)
    return undo(change, "postgres", "postgres")


def test_a_job_that_was_not_there_is_unscheduled(rows):
    assert of(rows, "schedule") == "select cron.unschedule('tidy');"


def test_an_altered_job_gets_its_old_schedule_and_command(rows):
    assert of(rows, "alter", schedule="0 9 * * *", command="select 'it''s'") == (
        "select cron.schedule('tidy', '0 9 * * *', 'select ''it''''s''');"
    )


def test_a_job_that_was_taken_over_stops_being_ours(rows):
    assert of(rows, "adopt", command="select 42") == (
        "select cron.schedule('tidy', '0 2 * * *', 'select 42'); delete from"
        " kiloscale.cron_registry where jobname = 'tidy';"
    )


def test_a_job_that_was_switched_off_is_made_again_and_not_switched_on(rows):
    assert of(rows, "alter", command="select 42", active=False) == (
        "select cron.unschedule('tidy'); select cron.schedule_in_database('tidy',"
        " '0 2 * * *', 'select 42', 'postgres', active := false);"
    )
