import pytest

from deploy.checklist import Status
from deploy.crons.partitions import State, judge


@pytest.mark.parametrize(
    ("days", "outside", "status"),
    [
        (14, 0, Status.PASS),
        (10, 0, Status.PASS),
        (9, 0, Status.WARN),
        (14, 1, Status.WARN),
        (3, 0, Status.WARN),
        (2, 0, Status.FAIL),
        (0, 500, Status.FAIL),
    ],
)
def test_fewer_days_ahead_than_the_job_keeps_are_told_before_they_run_out(
    days, outside, status
):
    result = judge(State(layout="partitioned", days_ahead=days, rows_outside=outside))

    assert result.status is status
    assert (result.remedy is None) == (status is Status.PASS)


def test_a_plain_table_passes_and_says_how_to_convert_it():
    result = judge(State(layout="plain", days_ahead=None, rows_outside=None))

    assert result.status is Status.PASS
    assert result.remedy == "./bootstrap db.convert-logs --dry-run"
