import jwt
import pytest

from deploy.standin.signing import private_key

ALICE = {"email": "Alice@example.com", "password": "correct horse"}


@pytest.fixture
def alice(http, as_admin):
    return http.post("/auth/v1/admin/users", json=ALICE, headers=as_admin).json()


def _log_in(http, **credentials):
    return http.post(
        "/auth/v1/token?grant_type=password", json={**ALICE, **credentials}
    )


def test_a_token_has_the_claims_of_supabase(http, alice, stack):
    session = _log_in(http).json()

    claims = jwt.decode(
        session["access_token"],
        stack.jwt_secret,
        algorithms=["HS256"],
        audience="authenticated",
        issuer=f"{stack.supabase_url}/auth/v1",
    )
    assert claims["sub"] == alice["id"]
    assert claims["role"] == "authenticated"
    assert claims["exp"] == session["expires_at"]


def test_an_address_is_the_same_in_any_case(http, alice):
    assert _log_in(http, email="ALICE@EXAMPLE.COM").status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"password": "wrong horse"}, {"email": "bob@example.com"}]
)
def test_wrong_credentials_are_refused_alike(http, alice, wrong):
    refused = _log_in(http, **wrong)

    assert refused.status_code == 400
    assert refused.json()["error_code"] == "invalid_credentials"


def test_another_grant_is_refused(http):
    refused = http.post("/auth/v1/token?grant_type=refresh_token", json={})

    assert refused.json()["error_code"] == "unsupported_grant_type"


def test_a_token_gives_its_user(http, alice):
    token = _log_in(http).json()["access_token"]

    user = http.get("/auth/v1/user", headers={"authorization": f"Bearer {token}"})

    assert (user.status_code, user.json()["id"]) == (200, alice["id"])


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer not-a-token"}])
def test_without_a_good_token_there_is_no_user(http, header):
    refused = http.get("/auth/v1/user", headers=header)

    assert (refused.status_code, refused.json()["error_code"]) == (403, "bad_jwt")


def test_an_expired_token_is_refused(http, stack):
    token = jwt.encode({"sub": "x", "exp": 1}, stack.jwt_secret, algorithm="HS256")

    refused = http.get("/auth/v1/user", headers={"authorization": f"Bearer {token}"})

    assert refused.status_code == 403


def test_an_address_is_taken_once(http, alice, as_admin):
    again = http.post("/auth/v1/admin/users", json=ALICE, headers=as_admin)

    assert (again.status_code, again.json()["error_code"]) == (422, "email_exists")


def test_only_the_service_role_makes_users(http, users, as_anon):
    nobody = http.post("/auth/v1/admin/users", json=ALICE)
    anon = http.post("/auth/v1/admin/users", json=ALICE, headers=as_anon)

    assert (nobody.status_code, anon.status_code) == (401, 403)
    assert users.kept == {}


def test_a_removed_user_cannot_log_in(http, alice, as_admin):
    gone = http.delete(f"/auth/v1/admin/users/{alice['id']}", headers=as_admin)

    assert gone.status_code == 200
    assert _log_in(http).status_code == 400


def test_the_key_set_holds_the_public_keys_that_are_asked_for(http, stack):
    def served(query: str = "") -> list[dict]:
        return http.get(f"/auth/v1/.well-known/jwks.json{query}").json()["keys"]

    [first], both, none = served(), served("?keys=1,2"), served("?keys=")

    assert [key["kid"] for key in both] == ["standin-1", "standin-2"]
    assert (both[0], none) == (first, [])
    assert not any("d" in key for key in both)
    token = jwt.encode({"sub": "1"}, private_key(stack, 1), algorithm="ES256")
    assert jwt.decode(token, jwt.PyJWK(first), algorithms=["ES256"]) == {"sub": "1"}


def test_no_answer_shows_the_password(http, alice):
    assert "password" not in " ".join(alice)
