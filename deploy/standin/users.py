"""The users of the auth API, in table auth.users as on Supabase."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import psycopg
from psycopg.rows import class_row

ADD = """
    INSERT INTO auth.users (email, encrypted_password) VALUES (lower(%s), %s)
    RETURNING id, email, encrypted_password, created_at
"""
BY_EMAIL = """
    SELECT id, email, encrypted_password, created_at FROM auth.users
    WHERE email = lower(%s)
"""
BY_ID = """
    SELECT id, email, encrypted_password, created_at FROM auth.users WHERE id = %s
"""
REMOVE = """
    DELETE FROM auth.users WHERE id = %s
    RETURNING id, email, encrypted_password, created_at
"""

# Cheap on purpose: 4 MiB and a few milliseconds. The users are made by tests.
SCRYPT = {"n": 2**12, "r": 8, "p": 1}


class EmailExistsError(Exception):
    """Another user has the address."""


@dataclass(frozen=True, kw_only=True)
class User:
    """One row of auth.users."""

    id: UUID
    email: str
    encrypted_password: str | None = field(repr=False)
    created_at: datetime

    def has_password(self, password: str) -> bool:
        """Compare a password in constant time; a user without one never matches."""
        salt, _, digest = (self.encrypted_password or "").partition("$")
        if not digest:
            return False
        return hmac.compare_digest(digest, _digest(password, salt))


class Users(Protocol):
    """Where users are kept."""

    def add(self, email: str, password: str) -> User:
        """Make a user; raises `EmailExistsError`."""

    def by_email(self, email: str) -> User | None:
        """Find a user by address, whatever its case."""

    def by_id(self, user: UUID) -> User | None:
        """Find a user by id."""

    def remove(self, user: UUID) -> bool:
        """Delete a user; tell whether there was one."""


def encrypted(password: str) -> str:
    """Give what is stored of a password: ``<salt>$<scrypt>``, in hexadecimal."""
    salt = secrets.token_hex(16)
    return f"{salt}${_digest(password, salt)}"


def _digest(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **SCRYPT).hex()


class PostgresUsers:
    """Users in the local database; each call is one short connection."""

    def __init__(self, database_url: Callable[[], str]) -> None:
        self._database_url = database_url

    def _one(self, query: str, *values: object) -> User | None:
        with (
            psycopg.connect(self._database_url(), connect_timeout=3) as conn,
            conn.cursor(row_factory=class_row(User)) as cursor,
        ):
            return cursor.execute(query, values).fetchone()

    def add(self, email: str, password: str) -> User:
        """Make a user."""
        try:
            user = self._one(ADD, email, encrypted(password))
        except psycopg.errors.UniqueViolation as exc:
            raise EmailExistsError(email) from exc
        if user is None:
            raise LookupError("auth.users: a trigger refused the row without an error")
        return user

    def by_email(self, email: str) -> User | None:
        """Find a user by address, whatever its case."""
        return self._one(BY_EMAIL, email)

    def by_id(self, user: UUID) -> User | None:
        """Find a user by id."""
        return self._one(BY_ID, user)

    def remove(self, user: UUID) -> bool:
        """Delete a user with what references it, as the app's foreign keys say."""
        return self._one(REMOVE, user) is not None
