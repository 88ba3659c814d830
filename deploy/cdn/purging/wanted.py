"""What a purge is to forget, read from what was typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from deploy.cdn.probes import PLAIN, rule_of
from deploy.errors import UsageError
from infra.catalog.cdn import EDGE_RULES, PUBLIC_PATH

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


def _path(text: str) -> str:
    """Read an address, a path, or ``bucket/name``.

    Raises:
        UsageError: It is no image of a public bucket.
    """
    path = urlsplit(text).path if "://" in text else text.partition("?")[0]
    if not path.startswith("/"):
        path = PUBLIC_PATH + path
    plain = unquote(path)
    parts = plain.split("/")[1:]
    if rule_of(plain) is None or {"", ".", ".."} & set(parts):
        buckets = ", ".join(dict.fromkeys(rule.bucket for rule in EDGE_RULES))
        raise UsageError(
            f"--path {text!r}: must be <bucket>/<name>, or the address of an image, in"
            f" one of {buckets}; nothing was purged",
            remedy=HELP,
        )
    return quote(plain, safe=PLAIN)
