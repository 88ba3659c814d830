"""The test command: its arguments, and its report by module."""

from deploy import testing
from deploy.checklist import Status

LISTING = """<testsuites><testsuite>
<testcase classname="tests.unit.a" name="test_one" time="0.5"/>
<testcase classname="tests.unit.a" name="test_two[x]" time="0.25">
  <failure message="no"/></testcase>
<testcase classname="tests.e2e.b.TestGroup" name="test_three" time="0.1">
  <skipped message="no Node.js"/></testcase>
</testsuite></testsuites>"""


def results(tmp_path, exit_code):
    listing = tmp_path / "results.xml"
    listing.write_text(LISTING)
    return list(testing.results(listing, exit_code))


def test_a_failed_test_is_named_with_the_command_that_runs_it(tmp_path):
    failed = {one.id: one for one in results(tmp_path, 1)}["tests.unit.a"]

    assert failed.status is Status.FAIL
    assert failed.title == "1 passed, 1 failed, 0 skipped: test_two[x]"
    assert failed.remedy == "./bootstrap test --match test_two"
    assert failed.ms == 750


def test_a_module_whose_tests_were_all_skipped_is_not_passed(tmp_path):
    skipped = {one.id: one for one in results(tmp_path, 1)}["tests.e2e.b"]

    assert skipped.status is Status.SKIPPED


def test_a_run_without_a_test_fails(tmp_path):
    (only,) = testing.results(tmp_path / "missing.xml", testing.NO_TESTS)

    assert (only.status, only.title) == (
        Status.FAIL,
        "pytest ended with 5: no test was selected",
    )


def test_a_few_unit_tests_run_without_workers_and_all_of_them_with():
    few = testing.command(unit=True, match="journal")
    all_of_them = testing.command(unit=True, match="")

    assert few[-2:] == ["-k", "journal"]
    assert "-n" not in few
    assert "tests/unit" in few
    assert "tests/unit" in all_of_them
    assert all_of_them[all_of_them.index("-n") + 1] == str(testing.WORKERS)


def test_temporary_files_are_in_memory_only_where_they_fit(monkeypatch, tmp_path):
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(testing, "MEMORY_BYTES_MIN", 1)
    assert testing.environment(tmp_path)["TMPDIR"] == str(tmp_path)

    assert "TMPDIR" not in testing.environment(tmp_path / "absent")
    monkeypatch.setattr(testing, "MEMORY_BYTES_MIN", 2**60)
    assert "TMPDIR" not in testing.environment(tmp_path)


def test_a_folder_of_ones_own_for_temporary_files_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", "/elsewhere")

    assert testing.environment(tmp_path)["TMPDIR"] == "/elsewhere"
