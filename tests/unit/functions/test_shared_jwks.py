"""Tokens of key pairs: which key verifies which token, and when keys are fetched."""

import base64
import hashlib
import hmac
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from functions.shared import jwks
from functions.shared.auth import BACKEND, Credentials, authenticate
from functions.shared.environment import Environment
from functions.shared.http import HttpError
from functions.shared.jwks import FetchError, KeySet, KeysUnavailableError, parse

USER = UUID("0b9f0d0e-3a53-4a54-9d5a-0a6c1a6f6f10")
SECRET = "the-secret-of-the-tests-which-is-long-enough-for-sha-384"
ISSUER = "https://app.test/auth/v1"
CLAIMS = {
    "sub": str(USER),
    "aud": "authenticated",
    "role": "authenticated",
    "iss": ISSUER,
    "exp": int(time.time()) + 3_600,
}
EC_KEY, EC_NEW = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
EC_384 = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(65_537, 2_048)
RSA_WEAK = rsa.generate_private_key(65_537, 1_024)


def entry(key, name: str, **changes: object) -> dict:
    kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    made = {**kind.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}
    return {name: value for name, value in (made | changes).items() if value != ...}


def body(*entries: object) -> bytes:
    return json.dumps({"keys": entries}).encode()


SET = body(entry(EC_KEY, "ec", alg="ES256"), entry(RSA_KEY, "rsa"))


class Source:
    """Serves a key set, or fails as it is told; counts the fetches."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.fetches = 0
        self.now = 1_000.0
        self.block = threading.Event()
        self.block.set()

    def __call__(self, url: str) -> bytes:
        assert url == "https://app.test/keys"
        self.fetches += 1
        self.block.wait(10)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def keys(self) -> KeySet:
        return KeySet("https://app.test/keys", fetch=self, clock=lambda: self.now)


def token(key=EC_KEY, algorithm: str = "ES256", kid: object = "ec", **changes) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value != ...}
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def forged(header: dict, sign) -> str:
    def part(content: bytes) -> bytes:
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    head = part(json.dumps(header).encode()) + b"." + part(json.dumps(CLAIMS).encode())
    return (head + b"." + part(sign(head))).decode()


def pem(key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def enter(made: str, source: Source | None = None, secret: str = SECRET):
    keys = (source or Source(SET)).keys()
    credentials = Credentials(
        jwt_secret=secret, jwt_issuer=ISSUER, internal_key="", keys=keys
    )
    return authenticate({"authorization": f"Bearer {made}"}, credentials)


@pytest.mark.parametrize(
    "made",
    [
        token(),
        token(RSA_KEY, "RS256", "rsa"),
        token(SECRET, "HS256", None),
        token(SECRET, "HS256", "ec"),
    ],
)
def test_key_pairs_and_the_secret_let_in_side_by_side(made):
    assert enter(made).user_id == USER


def test_without_a_secret_only_key_pairs_let_in():
    assert enter(token(), secret="").user_id == USER
    with pytest.raises(HttpError) as caught:
        enter(token(SECRET, "HS256", None), secret="")

    assert caught.value.detail == "the token is not valid"


def confused(public: bytes, kid: str) -> str:
    """A token whose HMAC has a public key for its secret."""
    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    return forged(header, lambda head: hmac.digest(public, head, hashlib.sha256))


@pytest.mark.parametrize(
    ("made", "detail"),
    [
        (confused(pem(EC_KEY), "ec"), "the token is not valid"),
        (confused(pem(RSA_KEY), "rsa"), "the token is not valid"),
        (confused(b"", "ec"), "the token is not valid"),
        (forged({"alg": "none", "kid": "ec"}, lambda _: b""), "the token is not valid"),
        (forged({"alg": ["ES256"]}, lambda _: b""), "the token is not valid"),
        (token(EC_NEW), "the token is not valid"),
        (token(RSA_KEY, "RS512", "rsa"), "the token is not valid"),
        (token(RSA_KEY, "PS256", "rsa"), "the token is not valid"),
        (token(kid=None), "the token is not valid"),
        (token(RSA_KEY, "RS256", "ec"), "the token's key is not known"),
        (token(EC_KEY, "ES256", "rsa"), "the token's key is not known"),
        (token(kid="other"), "the token's key is not known"),
        (token(exp=int(time.time()) - 1), "the token has expired"),
        (token(exp=...), "the token is not valid"),
        (token(aud="anon"), "the token is not for the audience 'authenticated'"),
        (token(iss="https://evil.test"), "the token is of another issuer"),
        (token(sub="admin"), "the token's subject is not a user id"),
        (token()[:-4] + "AAAA", "the token is not valid"),
    ],
)
def test_a_wrong_token_is_refused(made, detail):
    with pytest.raises(HttpError) as caught:
        enter(made)

    assert (caught.value.status, caught.value.detail) == (401, detail)


def test_a_service_role_token_of_a_pair_is_the_backend():
    assert enter(token(role="service_role", aud=..., sub=...)) == BACKEND


@pytest.mark.parametrize(
    "unusable",
    [
        entry(EC_KEY, "k", use="enc"),
        entry(EC_KEY, "k", alg="HS256"),
        entry(EC_KEY, "k", crv="P-384"),
        entry(EC_KEY, "k", crv=["P-256"]),
        entry(EC_KEY, "k", x="AAAA"),
        entry(EC_KEY, "k", kid=...),
        entry(EC_KEY, "k", d="AAAA"),
        entry(EC_384, "k"),
        entry(RSA_WEAK, "k"),
        {"kty": "oct", "kid": "k", "k": "AAAA", "alg": "HS256"},
        {"kty": "OKP", "kid": "k", "crv": "Ed25519", "x": "AAAA"},
        {},
    ],
)
def test_a_key_that_cannot_verify_is_left_out_and_the_others_stay(unusable):
    keys = parse(body(unusable, entry(EC_KEY, "ec")))

    assert list(keys) == [("ec", "ES256")]


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"keys": [1]}', b"<html>"])
def test_what_is_no_key_set_is_a_failed_fetch(text):
    with pytest.raises(FetchError):
        parse(text)


def test_a_set_is_fetched_once_in_ten_minutes():
    source = Source(SET)
    keys = source.keys()

    for second in (0, 1, 599):
        source.now = 1_000 + second
        assert keys.find("ec", "ES256")
    within = source.fetches
    source.now = 1_600
    keys.find("ec", "ES256")

    assert (within, source.fetches) == (1, 2)


def test_a_rotated_key_is_taken_up_and_the_old_one_dropped():
    source = Source(SET, body(entry(EC_NEW, "new")))
    keys = source.keys()
    keys.find("ec", "ES256")

    source.now += 31
    new, old = keys.find("new", "ES256"), keys.find("ec", "ES256")

    assert (new is not None, old) == (True, None)


def test_unknown_keys_cause_one_fetch_in_thirty_seconds():
    source = Source(SET)
    keys = source.keys()

    counts = []
    for second in (0, 1, 29, 30, 31, 59, 60):
        source.now = 1_000 + second
        assert keys.find("unknown", "ES256") is None
        counts.append(source.fetches)

    assert counts == [1, 1, 1, 2, 2, 2, 3]


def test_a_failed_fetch_keeps_the_old_set_and_is_tried_again_later():
    source = Source(SET, FetchError("status 500"), SET)
    keys = source.keys()
    keys.find("ec", "ES256")

    fetches = []
    for second in (600, 610, 630):
        source.now = 1_000 + second
        assert keys.find("ec", "ES256")
        fetches.append(source.fetches)

    assert fetches == [2, 2, 3]


def test_without_any_set_nobody_is_refused_for_good():
    source = Source(FetchError("TimeoutError"))

    with pytest.raises(HttpError) as caught:
        enter(token(), source)

    assert caught.value.status == 503
    assert caught.value.headers == {"retry-after": "5"}
    assert enter(token(SECRET, "HS256", None), source).user_id == USER


def test_a_first_fetch_that_failed_is_tried_again_after_five_seconds():
    source = Source(FetchError("TimeoutError"), SET)
    keys = source.keys()

    for second in (0, 4):
        source.now = 1_000 + second
        with pytest.raises(KeysUnavailableError):
            keys.find("ec", "ES256")
    source.now = 1_005

    assert keys.find("ec", "ES256")
    assert source.fetches == 2


def test_threads_wait_for_one_fetch_of_an_unknown_key():
    source = Source(SET, body(entry(EC_NEW, "new")))
    keys = source.keys()
    keys.find("ec", "ES256")
    source.now += 31
    source.block.clear()

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(keys.find, "new", "ES256") for _ in range(8)]
        known = keys.find("ec", "ES256")
        source.block.set()
        everybody = [each.result() for each in found]

    assert known is not None
    assert None not in everybody
    assert source.fetches == 2


def test_an_environment_without_a_url_has_no_key_set():
    assert jwks.configured(Environment({})) is None


def test_a_zip_without_cryptography_says_so(monkeypatch):
    monkeypatch.setattr(jwks, "has_crypto", False)
    environment = Environment({"JWKS_URL": "https://app.test/keys"})

    jwks.configured(environment)

    with pytest.raises(ValueError, match="JWKS_URL is set, but the zip was built"):
        environment.check()
