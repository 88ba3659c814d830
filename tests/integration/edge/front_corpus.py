"""The front's JavaScript run by engines, and requests to run it on."""

import base64
import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from infra.front_routing import Front

SUBJECTS = 1_000
NAMES = ("chat-send", "chat-history", "health-check")

ENGINES = {
    "node": "install Node.js",
    # An engine with little beyond ES 5.1, as CloudFront's own is.
    "njs": "apt-get install njs",
}
STUB = """const picked = [];
const cf = { selectRequestOriginById(id) { picked.push(id); } };
"""
# One short line an event: njs cuts a line off at 2 KB.
PROBE = """
EVENTS.forEach((event) => {
  picked.length = 0;
  const answer = handler(event);
  const side = answer.headers && answer.headers['x-kiloscale-origin'];
  console.log(JSON.stringify([
    answer.statusCode || answer.uri || null, picked, side ? side.value : null,
  ]));
});
"""


def front(percent: int, present: str | None = "/functions/v1") -> Front:
    """The front of the catalog's names."""
    return Front(percent=percent, ours=NAMES, shared=("chat-send",), present=present)


def token(claims: object) -> str:
    """A header with an unsigned token."""
    raw = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    body = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return f"Bearer eyJhbGciOiJIUzI1NiJ9.{body}.c2lnbmF0dXJl"


def users() -> list[str]:
    """Ids of a thousand users, always the same ones."""
    chosen = random.Random(20_261_126)
    return [str(UUID(int=chosen.getrandbits(128), version=4)) for _ in range(SUBJECTS)]


USER = "7b1f6a52-3a0e-4a7b-9c7e-0d5f7f0f9a11"
ODD_TOKENS = [
    "",
    "Bearer",
    "Bearer ",
    "Basic dXNlcjpwdw==",
    "Bearer internal-key-of-the-backend",
    f"bearer  {token({'sub': USER}).split()[1]}",
    f"BEARER {token({'sub': USER}).split()[1]}",
    f" {token({'sub': USER})}",
    f"{token({'sub': USER})} ",
    f"{token({'sub': USER})}.more",
    token({"sub": USER}).rpartition(".")[0],
    token({"sub": USER}).rpartition(".")[0] + ".",
    token({"sub": USER.upper()}),
    token({"sub": f" {USER}"}),
    token({"sub": f"{USER}\n"}),
    token({"sub": "ünïcødé-用户-👤"}),
    token({"sub": "K" + USER[1:]}),
    token({"sub": "\u212a" + USER[1:]}),
    token({"sub": USER.replace("-", "\u2011")}),
    token({"sub": "\ud800"}),
    token({"sub": ""}),
    token({"sub": None}),
    token({"sub": 7}),
    token({"sub": [USER]}),
    token({"sub": {"sub": USER}}),
    token({"role": "anon", "iss": "supabase"}),
    token({"__proto__": {"sub": USER}}),
    token([USER]),
    token(USER),
    token(None),
    token(7),
    token(b'{"sub":"' + USER.encode() + b'","sub":"x"}'),
    token(b'{"sub":"x","sub":"' + USER.encode() + b'"}'),
    token(b'{"sub":"' + USER.encode() + b'","n":NaN}'),
    token(b'{"sub":"' + USER.encode() + b'","n":1e999}'),
    token(b'{"sub":"' + USER.encode() + b'",}'),
    token(b'{"sub":"' + USER.encode() + b'","n":"\xff\xfe"}'),
    token(b'\xef\xbb\xbf{"sub":"' + USER.encode() + b'"}'),
    token(b" {\t\r\n} "),
    token(b""),
    token(b"{"),
    token({"sub": USER, "pad": "p" * 4_000}),
    "Bearer a.b.c",
    "Bearer a.eyJ.c",
    "Bearer a.ey=.c",
    "Bearer a.e+/J.c",
    "Bearer ...",
    "Bearer \u00fc.\u00fc.\u00fc",
    "null",
]
ODD_PATHS = [
    "/",
    "",
    "/functions/v1",
    "/functions/v1/",
    "/functions/v1//chat-send",
    "/functions/v1/chat-send/",
    "/functions/v1/chat-send/x",
    "/functions/v1/chat-sendx",
    "/functions/v1/CHAT-SEND",
    "/functions/v1/chat-history",
    "/functions/v1/health-check",
    "/functions/v1/stripe-webhook",
    "/functions/v1/stripe-webhook/a/b%20c",
    "/functions/v1/stripe-webhook/../../auth/v1/admin",
    "/functions/v1/stripe-webhook/..%2f..%2fauth",
    "/functions/v1/stripe-webhook/%2E%2e/x",
    "/functions/v1/stripe-webhook/a%00",
    "/functions/v1/stripe-webhook/a\\b",
    "/functions/v1/stripe-webhook/a//b",
    "/functions/v1/stripe-webhook\n",
    "/functions/v1/toString",
    "/functions/v1/__proto__",
    "/functions/v1/" + "n" * 64,
    "/functions/v1/" + "n" * 65,
    "/functions/v1/x/" + "n" * 1_200,
    "/functions/v1/ünï",
    "/functions/v2/chat-send",
    "/rest/v1/messages",
    "/auth/v1/token",
    "//functions/v1/chat-send",
]


def requests() -> list[tuple[str, str]]:
    """Paths with headers: a thousand users, and what nobody sends by mistake."""
    sends = [("/functions/v1/chat-send", token({"sub": each})) for each in users()]
    odd = [("/functions/v1/chat-send", each) for each in ODD_TOKENS]
    return [*sends, *odd, *((path, token({"sub": USER})) for path in ODD_PATHS)]


def event(path: str, authorization: str) -> dict[str, object]:
    """A viewer's request as CloudFront hands it over."""
    headers = {"host": {"value": "api.example.com"}}
    if authorization:
        headers["authorization"] = {"value": authorization}
    return {"request": {"method": "POST", "uri": path, "headers": headers}}


def run(
    engine: str, code: str, events: list[dict[str, object]], folder: Path
) -> list[list[Any]]:
    """Run a CloudFront Function; give status or path, chosen origins and side."""
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed: {ENGINES[engine]}")
    # The module `cloudfront` is CloudFront's own; all else is as it is deployed.
    head, constant, rest = code.replace('import cf from "cloudfront";\n', "").partition(
        "const FRONT"
    )
    file = folder / "function.mjs"
    known = f"const EVENTS = {json.dumps(events)};\n"
    file.write_text(head + STUB + known + constant + rest + PROBE)
    found = subprocess.run(
        [engine, str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stderr
    return [json.loads(line) for line in found.stdout.splitlines()]
