"""Who gets in: every way that a token or a key can be wrong is refused."""

import base64
import json
import time
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from functions.shared.auth import BACKEND, Credentials, authenticate
from functions.shared.http import HttpError

USER = UUID("0b9f0d0e-3a53-4a54-9d5a-0a6c1a6f6f10")
SECRET = "the-secret-of-the-tests-which-is-long-enough-for-sha-384"
ISSUER = "https://app.test/auth/v1"
CREDENTIALS = Credentials(jwt_secret=SECRET, jwt_issuer=ISSUER, internal_key="the-key")
CLAIMS = {
    "sub": str(USER),
    "aud": "authenticated",
    "role": "authenticated",
    "iss": ISSUER,
    "exp": int(time.time()) + 3_600,
}


def token(secret: str = SECRET, algorithm: str = "HS256", **changes: object) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value != ...}
    return jwt.encode(claims, secret, algorithm=algorithm)


def unsigned() -> str:
    def part(content: dict) -> str:
        encoded = base64.urlsafe_b64encode(json.dumps(content).encode())
        return encoded.rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(CLAIMS)}."


def bearer(value: str) -> dict[str, str]:
    return {"authorization": f"Bearer {value}"}


def test_a_users_token_gives_the_user():
    assert authenticate(bearer(token()), CREDENTIALS).user_id == USER


def test_a_token_for_several_audiences_is_taken():
    headers = bearer(token(aud=["other", "authenticated"]))

    assert authenticate(headers, CREDENTIALS).user_id == USER


@pytest.mark.parametrize(
    ("made", "detail"),
    [
        (unsigned(), "the token is not valid"),
        (token(secret="another-secret-which-is-long-enough"), "the token is not valid"),
        (token(algorithm="HS384"), "the token is not valid"),
        (token(exp=int(time.time()) - 1), "the token has expired"),
        (token(exp=...), "the token is not valid"),
        (token(nbf=int(time.time()) + 3_600), "the token is not valid"),
        (token(aud="anon"), "the token is not for the audience 'authenticated'"),
        (token(aud=...), "the token is not for the audience 'authenticated'"),
        (token(iss="https://evil.test"), "the token is of another issuer"),
        (token(sub=...), "the token's subject is not a user id"),
        (token(sub="admin"), "the token's subject is not a user id"),
        (token()[:-4] + "AAAA", "the token is not valid"),
        ("not.a.token", "the token is not valid"),
        ("the-kex", "the token is not valid"),
        ("", "the request has no bearer token"),
    ],
)
def test_a_wrong_token_is_refused(made, detail):
    with pytest.raises(HttpError) as caught:
        authenticate(bearer(made), CREDENTIALS)

    assert (caught.value.status, caught.value.detail) == (401, detail)
    assert caught.value.headers == {"www-authenticate": "Bearer"}


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic dTpw"}])
def test_a_request_without_a_bearer_token_is_refused(headers):
    with pytest.raises(HttpError) as caught:
        authenticate(headers, CREDENTIALS)

    assert caught.value.status == 401


def test_the_internal_key_is_the_backend_in_either_header():
    assert authenticate(bearer("the-key"), CREDENTIALS) == BACKEND
    assert authenticate({"x-internal-api-key": "the-key"}, CREDENTIALS) == BACKEND


def test_a_wrong_internal_key_is_refused_even_beside_a_good_token():
    with pytest.raises(HttpError):
        authenticate({"x-internal-api-key": "no"} | bearer(token()), CREDENTIALS)


def test_a_service_role_token_needs_no_audience_and_no_subject():
    made = token(role="service_role", aud=..., sub=..., iss="supabase")

    assert authenticate(bearer(made), CREDENTIALS) == BACKEND


def test_a_forged_service_role_token_is_refused():
    made = token(secret="another-secret-which-is-long-enough", role="service_role")

    with pytest.raises(HttpError):
        authenticate(bearer(made), CREDENTIALS)


def test_the_key_that_everybody_has_lets_nobody_in():
    anon = token(role="anon", aud=..., sub=...)

    with pytest.raises(HttpError) as caught:
        authenticate(bearer(anon), CREDENTIALS)

    assert caught.value.status == 401


def test_an_expired_service_role_token_is_refused():
    made = token(role="service_role", aud=..., sub=..., exp=int(time.time()) - 1)

    with pytest.raises(HttpError, match="expired"):
        authenticate(bearer(made), CREDENTIALS)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_that_brings_its_own_key_is_refused_where_a_secret_signs(algorithm):
    if algorithm == "RS256":
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        entry = RSAAlgorithm.to_jwk(key.public_key())
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        entry = ECAlgorithm.to_jwk(key.public_key())
    header = {"kid": "mine", "jwk": json.loads(entry), "jku": "https://evil.test/keys"}
    made = jwt.encode(CLAIMS, key, algorithm=algorithm, headers=header)

    with pytest.raises(HttpError, match="not valid"):
        authenticate(bearer(made), CREDENTIALS)


def test_a_header_that_names_another_algorithm_than_it_was_signed_with_is_refused():
    _, claims, signature = token().split(".")
    for algorithm in ("none", "HS512", "RS256", "hs256", ""):
        header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm}).encode())
        made = f"{header.decode().rstrip('=')}.{claims}.{signature}"

        with pytest.raises(HttpError, match="not valid"):
            authenticate(bearer(made), CREDENTIALS)


def test_claims_that_were_changed_are_refused():
    header, _, signature = token().split(".")
    claims = base64.urlsafe_b64encode(json.dumps(CLAIMS | {"sub": "x"}).encode())

    with pytest.raises(HttpError, match="not valid"):
        authenticate(bearer(f"{header}.{claims.decode()}.{signature}"), CREDENTIALS)


def test_credentials_that_are_not_set_let_nobody_in():
    unset = Credentials(jwt_secret="", jwt_issuer="", internal_key="")

    for headers in ({"x-internal-api-key": ""}, bearer(token()), bearer(unsigned())):
        with pytest.raises(HttpError) as caught:
            authenticate(headers, unset)
        assert caught.value.status == 401


def test_without_an_issuer_any_is_taken():
    lenient = Credentials(jwt_secret=SECRET, jwt_issuer="", internal_key="")

    assert authenticate(bearer(token(iss=...)), lenient).user_id == USER
