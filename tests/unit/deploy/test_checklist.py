"""A run of steps: order, stops, times, and what the exit code says."""

from collections.abc import Iterator

from deploy.checklist import Report, Result, Status, Step, run_steps
from deploy.errors import AuthError, DeployError, ExitCode


class Listener:
    """Remembers what a run told it."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def step_started(self, step_id: str, title: str) -> None:
        self.heard.append(f"step {step_id}")

    def checked(self, result: Result) -> None:
        self.heard.append(f"{result.id} {result.status}")


def step(
    step_id: str,
    *outcomes: Status | DeployError,
    changed: bool = False,
    verifies: bool = False,
) -> Step[None]:
    def run(_: None) -> Iterator[Result]:
        for number, outcome in enumerate(outcomes):
            if isinstance(outcome, DeployError):
                raise outcome
            yield Result(
                id=f"{step_id}.{number}",
                title="",
                status=outcome,
                changed=changed,
            )

    return Step(id=step_id, title=step_id, run=run, verifies=verifies)


def report(*statuses: Status, code: ExitCode = ExitCode.DONE) -> Report:
    results = tuple(
        Result(id=f"a.{number}", title="", status=status)
        for number, status in enumerate(statuses)
    )
    return Report(task="deploy", target="local", results=results, ms=1, exit_code=code)


def test_a_failed_step_ends_the_run_after_its_own_checks():
    listener = Listener()

    run_steps(
        [step("one", Status.FAIL, Status.PASS), step("two", Status.PASS)],
        None,
        listener,
    )

    assert listener.heard == ["step one", "one.0 fail", "one.1 pass"]


def test_skipped_pending_and_warned_checks_do_not_end_a_run():
    steps = [
        step("one", Status.SKIPPED, Status.PENDING, Status.WARN),
        step("two", Status.PASS),
    ]

    results, code = run_steps(steps, None, Listener())

    assert (len(results), code) == (4, ExitCode.DONE)


def test_a_failure_before_any_change_leaves_the_system_as_before():
    _, code = run_steps([step("one", Status.FAIL)], None, Listener())

    assert code is ExitCode.FAILED


def test_a_failure_after_a_change_is_half_done():
    steps = [step("one", Status.PASS, changed=True), step("two", DeployError("no"))]

    _, code = run_steps(steps, None, Listener())

    assert code is ExitCode.HALF_DONE


def test_a_failed_proof_is_not_verified_whatever_was_changed():
    steps = [
        step("one", Status.PASS, changed=True),
        step("two", Status.FAIL, verifies=True),
    ]

    _, code = run_steps(steps, None, Listener())

    assert code is ExitCode.NOT_VERIFIED


def test_an_error_becomes_a_failed_result_with_its_remedy_and_code():
    error = AuthError("refused", remedy="log in", evidence={"host": "h"})

    results, code = run_steps([step("one", Status.PASS, error)], None, Listener())

    failed = results[1]
    assert code is ExitCode.AUTH
    assert (failed.id, failed.status, failed.remedy) == (
        "one.error",
        Status.FAIL,
        "log in",
    )
    assert failed.evidence == {"host": "h"}


def test_every_result_has_a_time():
    results, _ = run_steps([step("one", Status.PASS)], None, Listener())

    assert results[0].ms > 0


def test_the_worst_status_speaks_for_the_report():
    assert report(Status.PASS, Status.SKIPPED).status is Status.PASS
    assert report(Status.PASS, Status.WARN).status is Status.WARN
    assert report(Status.WARN, Status.PENDING).status is Status.PENDING
    assert report(Status.PENDING, Status.FAIL).status is Status.FAIL


def test_the_json_has_exactly_the_documented_keys():
    document = report(Status.PASS).as_json()

    assert list(document) == [
        "task",
        "target",
        "status",
        "exit_code",
        "changed",
        "ms",
        "checks",
    ]
    checks = document["checks"]
    assert isinstance(checks, list)
    assert list(checks[0]) == ["id", "title", "status", "evidence", "remedy", "ms"]
