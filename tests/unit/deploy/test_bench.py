"""A figure, its verdict, and the document that every suite prints."""

import json

import pytest

from deploy import bench
from deploy.bench import Figure
from deploy.errors import UsageError


def figure(value: float, target: float = 3.0, **more: object) -> Figure:
    return Figure(id="main.noop_deploy_s", value=value, unit="s", target=target, **more)


@pytest.mark.parametrize(("value", "ok"), [(2.9, True), (3.0, True), (3.001, False)])
def test_a_figure_may_be_its_target_at_most(value, ok):
    assert figure(value).ok is ok


def test_a_figure_of_which_more_is_better_is_its_target_at_least():
    assert figure(2.9, at_least=True).ok is False
    assert figure(3.0, at_least=True).ok is True


def test_a_ratio_needs_something_to_compare_with():
    assert figure(2.6, baseline=2.0).ratio == pytest.approx(1.3)
    assert figure(2.6).ratio is None


def test_the_document_keeps_its_contract():
    content = json.loads(bench.document("main", [figure(2.12345, baseline=2.0)]))

    assert list(content) == ["suite", "machine", "figures"]
    assert list(content["machine"]) == ["cpus", "memory", "python", "platform"]
    assert content["figures"] == [
        {
            "id": "main.noop_deploy_s",
            "value": 2.123,
            "unit": "s",
            "baseline": 2.0,
            "ratio": 1.062,
            "target": 3.0,
            "ok": True,
        }
    ]


class Measured:
    """A suite whose figures are known."""

    def __init__(self, *figures: Figure) -> None:
        self._figures = figures

    def measure(self, progress):
        progress("measuring")
        yield from self._figures


@pytest.mark.parametrize(("value", "code"), [(2.0, 0), (4.0, 7)])
def test_only_the_document_is_on_stdout_and_the_code_says_whether_it_holds(
    monkeypatch, capsys, value, code
):
    monkeypatch.setattr(bench, "_load", lambda suite: Measured(figure(value)))

    ended = bench.run("main", as_json=True)

    assert ended == code
    assert json.loads(capsys.readouterr().out)["figures"][0]["value"] == value


def test_the_table_names_what_is_missed(monkeypatch, capsys):
    monkeypatch.setattr(bench, "_load", lambda suite: Measured(figure(4.0)))

    bench.run("main", as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert " ".join(lines[0].split()) == "missed main.noop_deploy_s 4.0 s (at most 3)"
    assert lines[-1] == "0 of 1 targets met; missed: main.noop_deploy_s"


def test_a_figure_without_a_target_is_shown_and_not_judged(monkeypatch, capsys):
    beside = figure(9.0, target=None)
    monkeypatch.setattr(bench, "_load", lambda suite: Measured(figure(2.0), beside))

    ended = bench.run("main", as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert ended == 0
    assert lines[1].split() == ["main.noop_deploy_s", "9.0", "s"]
    assert lines[-1] == "1 of 1 targets met"


SUITE = '"""Measures."""\n\ndef measure(progress): ...\n'


def test_a_suite_is_a_module_or_a_package_and_its_helpers_are_none(
    tmp_path, monkeypatch
):
    (tmp_path / "fast.py").write_text(SUITE)
    (tmp_path / "shared.py").touch()
    (tmp_path / "wide").mkdir()
    for name in ("__init__", "helper"):
        (tmp_path / "wide" / f"{name}.py").write_text(SUITE)
        (tmp_path / f"{name}.txt").touch()
    (tmp_path / "notes").mkdir()
    monkeypatch.setattr(bench, "FOLDER", tmp_path)

    assert bench.suites() == ["fast", "wide"]


def test_an_unknown_suite_is_refused_with_those_that_exist():
    known = "the suites are database, edge, images, infra, main"
    with pytest.raises(UsageError, match=known):
        bench._load("speed")


def test_help_is_no_suite(capfd):
    assert bench.run("--help", as_json=False) == 0

    assert capfd.readouterr().out.startswith("Usage: inv")
