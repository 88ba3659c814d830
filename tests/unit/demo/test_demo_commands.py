"""The task ``demo`` refuses what it must not touch."""

import pytest

from deploy import deployment
from deploy.commands import Output
from deploy.demo import commands


def test_a_cloud_stack_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(deployment, "stack_names", lambda: ["local", "production"])

    with pytest.raises(SystemExit) as ended:
        commands.demo("production", 5, 1, remove=False, dry_run=False, out=Output())

    assert ended.value.code == 2
    assert "local only, not on production; nothing was made" in (
        " ".join(capsys.readouterr().err.split())
    )


def test_a_stack_that_was_never_started_is_said_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("KILOSCALE_STATE", str(tmp_path))

    code = commands.demo("local", 5, 1, remove=False, dry_run=False, out=Output())

    assert code == 2
    assert "./bootstrap" in capsys.readouterr().out
