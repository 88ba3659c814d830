"""What a purge is to forget, read from what was typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import msgspec

from deploy.cdn.probes import PLAIN, rule_of
from deploy.errors import UsageError
from infra.catalog.cdn import EDGE_RULES, PUBLIC_BUCKETS, PUBLIC_PATH

HELP = "./bootstrap cdn.purge --help"
TAGS = tuple(dict.fromkeys(tag for rule in EDGE_RULES for tag in rule.tags))
"""What ``--tag`` may name."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to forget: one of the three.

    Attributes:
        paths: Paths of images' URLs, encoded, without queries.
        tags: Some of `TAGS`.
        everything: All copies.
    """

    paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    everything: bool = False

    @property
    def told(self) -> str:
        """Say it in a few words."""
        if self.everything:
            return "every image"
        chosen = self.paths or self.tags
        more = f" and {len(chosen) - 3} more" if len(chosen) > 3 else ""
        return ", ".join(chosen[:3]) + more


def read(
    *, paths: Sequence[str] = (), tags: Sequence[str] = (), everything: bool = False
) -> Wanted:
    """Read what was typed.

    Raises:
        UsageError: Nothing is meant, several kinds, or what no rule covers.
    """
    if sum(map(bool, (paths, tags, everything))) != 1:
        raise UsageError(
            "one of --path, --tag and --everything is needed; nothing was purged",
            remedy=HELP,
        )
    for tag in tags:
        if tag not in TAGS:
            raise UsageError(
                f"--tag {tag!r}: must be one of {', '.join(TAGS)}; nothing was purged",
                remedy=HELP,
            )
    return Wanted(
        paths=tuple(dict.fromkeys(map(_path, paths))),
        tags=tuple(dict.fromkeys(tags)),
        everything=everything,
    )


def listed(text: str) -> tuple[str, ...]:
    """Read ``--path``: images parted by commas, or ``@FILE`` with a JSON list of them.

    Of a file, only what is in a public bucket counts: user.delete lists all files.

    Raises:
        UsageError: The file cannot be read, is no list, or names no public image.
    """
    if not text.startswith("@"):
        return tuple(each.strip() for each in text.split(",") if each.strip())
    try:
        found = msgspec.json.decode(Path(text[1:]).read_bytes(), type=list[str])
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"--path {text}: must be a file with a JSON list of names: {error};"
            " nothing was purged",
            remedy=HELP,
        ) from error
    # Names of storage, where a percent sign or a question mark is itself.
    public = tuple(
        quote(each, safe=PLAIN) for each in found if is_covered(quote(each, safe=PLAIN))
    )
    if not public:
        raise UsageError(
            f"--path {text}: none of its {len(found)} files is in a public bucket;"
            " nothing was purged",
            remedy=HELP,
        )
    return public


def is_covered(text: str) -> bool:
    """Tell whether a name or an address is an image that the CDN may have.

    >>> is_covered("generated-images/u1/a.png"), is_covered("private/u1/a.png")
    (True, False)
    """
    return _encoded(text) is not None


def _path(text: str) -> str:
    """Read an address, a path, or ``bucket/name``.

    Raises:
        UsageError: It is no image of a public bucket.
    """
    path = _encoded(text)
    if path is None:
        raise UsageError(
            f"--path {text!r}: must be <bucket>/<name>, or the address of an image, in"
            f" one of {', '.join(PUBLIC_BUCKETS)}; nothing was purged",
            remedy=HELP,
        )
    return path


def _encoded(text: str) -> str | None:
    """Write the path of its URL; ``None`` if no rule covers it."""
    path = urlsplit(text).path if "://" in text else text.partition("?")[0]
    if not path.startswith("/"):
        path = PUBLIC_PATH + path
    plain = unquote(path)
    parts = plain.split("/")[1:]
    if rule_of(plain) is None or {"", ".", ".."} & set(parts):
        return None
    return quote(plain, safe=PLAIN)
