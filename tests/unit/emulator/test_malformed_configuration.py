"""A stack's file that is no configuration is named, with the way back."""

import pytest

from deploy import stackfiles
from deploy.errors import UsageError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("config: [", "is not YAML: while parsing a flow node"),
        ("config:\n\tkiloscale:logRetentionDays: 7\n", "is not YAML: while scanning"),
        (b"\xff\xfe", "is not YAML: 'utf-8' codec can't decode"),
        ("config: 7", "config: must be keys with values, got 7"),
        ("just words", "config: must be keys with values, got 'just words'"),
        ("", "config: must be keys with values, got None"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path, text, words):
    file = tmp_path / "Pulumi.local.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(UsageError, match=r"^Pulumi\.local\.yaml: ") as caught:
        stackfiles.of_file(file)

    assert words in str(caught.value)
    assert str(caught.value).endswith("; nothing was provisioned")
    assert caught.value.remedy == "git diff -- Pulumi.local.yaml"


def test_a_file_without_settings_is_empty(tmp_path):
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text("config:\n")

    assert stackfiles.of_file(file) == {}
