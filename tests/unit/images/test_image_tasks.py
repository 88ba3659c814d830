"""images.backfill and images.restore refuse what makes no sense, before any look."""

import json

import pytest

from deploy import image_commands
from deploy.bundle_sources import copy, split
from deploy.commands import Output
from deploy.errors import DeployError
from deploy.image_commands import Pace


@pytest.fixture
def backfill(capsys):
    def run(**pace):
        out = Output(as_json=True, evidence=False, debug=False)
        with pytest.raises(SystemExit) as ended:
            image_commands.backfill("local", Pace(**pace), out, dry_run=True, yes=False)
        return ended.value.code, json.loads(capsys.readouterr().out)

    return run


def test_an_unknown_bucket_is_refused_with_the_known(backfill):
    code, told = backfill(bucket="avatars")

    assert code == 2
    assert told["checks"][0]["title"] == (
        "no bucket 'avatars' among report-images, generated-images, website-images,"
        " whose images are made smaller; nothing was changed"
    )


@pytest.mark.parametrize("rate", ["0", "601", "-1", "fast", "1.5", "¹"])
def test_a_rate_out_of_range_is_refused_with_the_range(backfill, rate):
    code, told = backfill(per_minute=rate)

    assert code == 2
    assert (
        "--per-minute must be a whole number from 1 to 600"
        in (told["checks"][0]["title"])
    )


def test_a_lock_is_split_into_wheels_and_sources():
    lock = "a==1 \\\n    --hash=x\npyvips==3.2.0 \\\n    --hash=y\nz==2\n"

    wheels, sources = split(lock)

    assert wheels == "a==1 \\\n    --hash=x\nz==2\n"
    assert sources == {"pyvips": "3.2.0"}


def test_another_version_than_the_lock_s_is_never_copied(tmp_path):
    with pytest.raises(DeployError) as refused:
        copy({"pyvips": "9.9"}, tmp_path, "compress_image/requirements.lock")

    assert "pins pyvips 9.9" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_copied_package_is_python_alone(tmp_path):
    from importlib.metadata import version

    copy({"pyvips": version("pyvips")}, tmp_path, "x")

    assert (tmp_path / "pyvips" / "__init__.py").exists()
    kinds = {file.suffix for file in (tmp_path / "pyvips").iterdir()}
    assert kinds == {".py"}
