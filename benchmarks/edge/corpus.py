"""URLs on which all renderers have to agree: usual ones, and those of an adversary.

Paths as they stand in a request, each once, always the same. What is no valid URL is
not among them: a percent sign that encodes nothing, or bytes that are no UTF-8. There
the Worker and Varnish refuse, and Supabase does behind the others; nobody keeps that.
"""

import random
from collections.abc import Iterator

from infra.catalog.cdn import PUBLIC_BUCKETS, PUBLIC_PATH
from infra.edge.names import ENCODED, spellings

SEED = 20251107
RANDOM_URLS = 1_500
ODD_SHARE = 0.1
LONG = 3_000
"""Characters of the longest names; Supabase takes 1,024."""

BUCKETS = PUBLIC_BUCKETS
NEAR_BUCKETS = ("avatars", "report-imagesX", "report-image", "Report-Images", "")
NAMES = (
    *("a.png", "a.svg", "a.SVG", "a.Svg", "a.sVG", "a.svg.png", "a.png.svg", "a.svgz"),
    *("svg", ".svg", "asvg", "a.sv", "a.s%76g", "a%2Esvg", "a%2esvg", "%61.svg"),
    *("a.%73%76%67", "a.svg%20", "a.svg+", "a.svg%3F", "a.svg%3Fv=1", "a.svg%23x"),
    *("folder/a.svg", "folder/b/c.webp", "folder.svg/a.png", "2026/11/26/c.SVG"),
    *("a%20b.png", "caf%C3%A9.svg", "%F0%9F%8C%8A.svg", "%E6%97%A5%E6%9C%AC.png"),
    *("caf%c3%a9.SVG", "a'b.png", "a(1).svg", "a!b*c.svg", "a;v=1.svg", "a,b.svg"),
    *("a=b&c.svg", "a@2x.png", "$a.svg", "a:b.svg", "~a.svg", "a%7Eb.svg", "a%2Db.svg"),
    *("%C5%BFvg.%C5%BFvg", "a.%EF%BD%93vg", "a.sv%C4%9F", "a%E2%80%AEgvs.png"),
)
ODD_NAMES = (
    *("", "/", "//a.svg", "a//b.png", "folder//", "folder/", "a.svg/", "a.svg//"),
    *("a%2Fb.svg", "a%2fb.svg", "%2Fa.svg", "a.svg%2F", "..%2Fa.svg", "%2E%2E%2Fa.svg"),
    *(
        "a%5Cb.svg",
        "a%5cb.svg",
        "..%5C..%5Ca.svg",
        "a%00.svg",
        "a.svg%00",
        "a%0D%0A.svg",
    ),
    *("a%1Fb.svg", "a%7Fb.svg", "a%7fb.png", "100%25.svg", "a%252Fb.svg", "a%252e.svg"),
    *("%252e%252e%252fa.svg", "%25%32%66a.svg", "a%09.png", "a%0a.svg"),
)
CLIMBING = (
    *(
        "../{b}/a.svg",
        "./a.svg",
        "x/../a.svg",
        "x/./a.svg",
        "x/y/../../a.SVG",
        "a.svg/.",
    ),
    *(
        "a.svg/..",
        "..",
        ".",
        "../",
        "./",
        "../../a.svg",
        "../../../../../rest/v1/users",
    ),
    *("%2e%2e/{b}/a.svg", ".%2E/{b}/a.svg", "%2e/a.svg", "x/%2E%2E/a.svg", "x/..a.svg"),
    *(
        "...",
        ".../a.svg",
        "..a/b.svg",
        "a../b.svg",
        "a./b.svg",
        ".hidden.svg",
        "x/.svg",
    ),
    *("x//../a.svg", "x/..//a.svg", "../{b}//a.svg", "../sign/{b}/a.svg"),
)
FOLDERS = (
    *(
        "/storage/v1/object/sign/",
        "/storage/v1/object/authenticated/",
        "/rest/v1/",
        "/",
    ),
    *(
        "/storage/v1/object/",
        "/storage/v1/render/image/public/",
        "//storage/v1/object/",
    ),
    *("/Storage/v1/object/public/", "/storage/v1/object/Public/", "/storage/v1/"),
    *("/storage//v1/object/public/", "/storage/v1/object/public//", "/auth/v1/"),
    *("/storage%2Fv1/object/public/", "/%73torage/v1/object/public/"),
    *("/storage/v1/object/%70ublic/", "/storage/v1/x/../object/public/"),
    *("/./storage/v1/object/public/", "/../storage/v1/object/public/"),
    *("/storage/v1/object/public/../public/", "/storage/v1/object/public%2F"),
    *("/storage/v1/object/public/%2e%2e/public/", "/a/storage/v1/object/public/"),
)
QUERIES = (
    *(
        "",
        "?v=1",
        "?utm_source=x",
        "?v=1&utm_source=x",
        "?utm_source=x&v=1",
        "?v=1&v=2",
    ),
    *(
        "?",
        "?v",
        "?v=",
        "?v=%3Cscript%3E",
        "?x=/a.svg",
        "?a.svg",
        "?v=1#a.svg",
        "?%76=1",
    ),
    *("?download=a.svg", "?token=x.y.z", "?V=1", "?b=2&a=1", "?a=1&b=2", "?v=a/../b"),
)


def urls() -> tuple[str, ...]:
    """Give all paths with their queries."""
    chosen = random.Random(SEED)
    every = [*_designed(), *_random(chosen)]
    return tuple(dict.fromkeys(each.partition("#")[0] for each in every))


def _designed() -> Iterator[str]:
    for bucket in (*BUCKETS, *NEAR_BUCKETS):
        start = f"{PUBLIC_PATH}{bucket}/"
        yield from (start + name for name in NAMES)
        yield from (start + name for name in ODD_NAMES)
        yield from (start + name.format(b=bucket or "x") for name in CLIMBING)
        yield f"{PUBLIC_PATH}{bucket}"
        yield f"{start}{'a' * LONG}.svg"
        yield f"{start}{'a/' * (LONG // 2)}b.png"
    for folder in FOLDERS:
        yield from (f"{folder}report-images/{name}" for name in NAMES[:4])
    for suffix in spellings(".svg"):
        yield f"{PUBLIC_PATH}report-images/a{suffix}"
    for encoded in ENCODED:
        code = encoded if len(encoded) == 3 else f"{encoded}a"
        for spelling in spellings(code):
            yield f"{PUBLIC_PATH}report-images/a{spelling}b.svg"
    for query in QUERIES:
        yield from (f"{PUBLIC_PATH}report-images/{name}{query}" for name in NAMES[:4])


def _random(chosen: random.Random) -> Iterator[str]:
    letters = "abcXYZ0189-_.~!*'()$&+,;=:@"
    for _ in range(RANDOM_URLS):
        near = chosen.random() < ODD_SHARE
        bucket = chosen.choice(NEAR_BUCKETS if near else BUCKETS)
        parts = [
            chosen.choice(ODD_NAMES + CLIMBING).format(b=bucket)
            if chosen.random() < ODD_SHARE
            else chosen.choice((*NAMES, "".join(chosen.choices(letters, k=6))))
            for _ in range(chosen.randint(1, 4))
        ]
        name = chosen.choice(("", "", "/")).join(parts)
        folder = chosen.choice(FOLDERS) if chosen.random() < ODD_SHARE else PUBLIC_PATH
        suffix = chosen.choice(("", "", ".svg", ".SVG", ".sVg", ".png", "/x.svg"))
        yield f"{folder}{bucket}/{name}{suffix}{chosen.choice(QUERIES)}"
