import json

import pytest

from deploy.cdn.purging.wanted import listed, read
from deploy.errors import UsageError


def test_of_a_list_of_files_the_public_images_are_purged(tmp_path):
    file = tmp_path / "files.json"
    names = ["generated-images/u/a b%20?.png", "private/u/letter.pdf", "no-bucket.png"]
    file.write_text(json.dumps(names))

    wanted = read(paths=listed(f"@{file}"))

    base = "/storage/v1/object/public/generated-images/u"
    assert wanted.paths == (f"{base}/a%20b%2520%3F.png",)


def test_names_are_parted_by_commas():
    assert listed(" a/b.png, c/d.png,") == ("a/b.png", "c/d.png")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("{", "must be a file with a JSON list of names"),
        ('{"a": 1}', "Expected `array`"),
        ('["private/a.png"]', "none of its 1 files is in a public bucket"),
        ("[]", "none of its 0 files is in a public bucket"),
    ],
)
def test_a_list_of_which_nothing_can_be_purged_is_refused(tmp_path, text, words):
    file = tmp_path / "files.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(UsageError, match=words) as refused:
        listed(f"@{file}")

    assert "nothing was purged" in str(refused.value)
