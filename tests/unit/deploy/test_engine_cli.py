"""What the CLI writes is read to its end, whatever it is."""

import pytest
from semver import VersionInfo

from deploy.engine.cli import Cli


@pytest.fixture
def pulumi(tmp_path):
    """Writes a line that is no UTF-8, and then more than a pipe holds."""
    command = tmp_path / "pulumi"
    command.write_text(
        "#!/bin/sh\nprintf 'caf\\351\\n'\ni=0\n"
        "while [ $i -lt 4000 ]; do\n"
        "  echo 'a line of some forty characters or more'; i=$((i+1))\n"
        "done\n"
    )
    command.chmod(0o755)
    return str(command)


def test_a_line_that_is_no_text_stops_nothing(pulumi, tmp_path):
    said: list[str] = []

    result = Cli(pulumi, VersionInfo.parse("3.206.0")).run(
        ["preview"], str(tmp_path), {}, said.append
    )

    assert said[0] == "caf\ufffd"
    assert len(said) == 4001
    assert result.code == 0
