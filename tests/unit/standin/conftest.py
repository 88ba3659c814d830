from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from deploy.local.facts import new_stack
from deploy.standin.app import create
from deploy.standin.users import EmailExistsError, User, encrypted


@dataclass
class UsersInMemory:
    kept: dict[UUID, User] = field(default_factory=dict)

    def add(self, email, password):
        if self.by_email(email):
            raise EmailExistsError(email)
        user = User(
            id=uuid4(),
            email=email.lower(),
            encrypted_password=encrypted(password),
            created_at=datetime(2026, 11, 1, tzinfo=UTC),
        )
        self.kept[user.id] = user
        return user

    def by_email(self, email):
        return next((u for u in self.kept.values() if u.email == email.lower()), None)

    def by_id(self, user):
        return self.kept.get(user)

    def remove(self, user):
        return self.kept.pop(user, None) is not None


@pytest.fixture
def stack(tmp_path):
    return new_stack(tmp_path, home=tmp_path)


@pytest.fixture
def users():
    return UsersInMemory()


@pytest.fixture
def app(stack, users):
    return create(lambda: stack, users)


@pytest.fixture
def http(app, stack):
    """A client of the stand-in; ``as_admin`` are the headers of the service role."""
    with TestClient(app, base_url=stack.supabase_url) as client:
        yield client


@pytest.fixture
def as_admin(stack):
    return {"authorization": f"Bearer {stack.service_role_key}"}


@pytest.fixture
def as_anon(stack):
    return {"apikey": stack.anon_key}
