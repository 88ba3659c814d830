"""What there is to know about a local stack, kept in its state folder."""

import json
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from deploy.errors import DeployError
from deploy.local.files import write_private
from deploy.local.keys import api_key
from deploy.local.ports import LOOPBACK, free_port

STACK_FILE = "stack.json"
REGION = "eu-central-1"
ADMIN_ROLE = "kiloscale_admin"
ACCESS_KEY_ID = "LOCALADMINISTRATOR"
DATABASE = "postgres"


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    """One local stack.

    Attributes:
        state: The state folder.
        postgres_port: Port of PostgreSQL on 127.0.0.1.
        admin_url: Connection URI of the cluster's superuser; secret.
        database_url: Connection URI of role ``postgres``, which is not a superuser,
            as on Supabase; secret.
        emulator_url: Endpoint of the AWS emulator.
        region: AWS region of the stack.
        access_key_id: Key id of the account's administrator on the emulator.
        secret_access_key: The secret to it.
        supabase_url: Base URL of the stand-in for Supabase and for the LLM.
        jwt_secret: Signs the tokens of the stand-in's users (HS256).
        internal_api_key: Key of backend calls to the services.
        service_role_key: Supabase API key with role ``service_role``.
        anon_key: Supabase API key with role ``anon``.
        mark: Stands in the environment of each process of the stack.
        home: Folder of what unprivileged accounts own; the state folder, or a short
            one elsewhere if they cannot enter the state folder.
        edge_url: Base URL of the edge; empty in a stack of an earlier version.
        purge_key: What a caller of the edge's purge path must know.
    """

    state: Path
    postgres_port: int
    admin_url: str = field(repr=False)
    database_url: str = field(repr=False)
    emulator_url: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    supabase_url: str
    jwt_secret: str = field(repr=False)
    internal_api_key: str = field(repr=False)
    service_role_key: str = field(repr=False)
    anon_key: str = field(default="", repr=False)
    mark: str = ""
    home: Path | None = None
    edge_url: str = ""
    purge_key: str = field(default="", repr=False)

    @classmethod
    def load(cls, state: Path) -> Self | None:
        """Read the facts of a state folder.

        Returns:
            ``None`` if no stack was made there. The folder may have been moved since.

        Raises:
            DeployError: The file is damaged.
        """
        path = state / STACK_FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            home = values.pop("home")
            return cls(state=state, home=Path(home) if home else state, **values)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise DeployError(
                f"{path}: damaged ({type(exc).__name__}); the passwords of the local"
                " stack are lost with it",
                remedy="./bootstrap local.reset",
            ) from exc

    def save(self) -> None:
        """Write the facts where `load` finds them, readable by their owner only."""
        values = asdict(self)
        values.pop("state")
        # Relative, so that the folder can be moved.
        values["home"] = str(self.home) if self.home not in {None, self.state} else None
        write_private(self.state / STACK_FILE, json.dumps(values, indent=1))

    @property
    def emulator_port(self) -> int:
        """Port of the emulator on 127.0.0.1."""
        return _port(self.emulator_url)

    @property
    def supabase_port(self) -> int:
        """Port of the stand-in on 127.0.0.1."""
        return _port(self.supabase_url)

    @property
    def edge_port(self) -> int:
        """Port of the edge on 127.0.0.1; 0 if it has none yet."""
        return _port(self.edge_url) if self.edge_url else 0

    def with_edge(self) -> Self:
        """Give the same stack with an edge, if it has none."""
        if self.edge_url:
            return self
        taken = (self.postgres_port, self.emulator_port, self.supabase_port)
        return replace(
            self,
            edge_url=f"http://{LOOPBACK}:{free_port(taken)}",
            purge_key=secrets.token_urlsafe(32),
        )

    def on_ports(
        self,
        *,
        postgres: int | None = None,
        emulator: int | None = None,
        supabase: int | None = None,
        edge: int | None = None,
    ) -> Self:
        """Give the same stack with some parts on other ports."""
        port = postgres or self.postgres_port
        return replace(
            self,
            postgres_port=port,
            admin_url=_at_port(self.admin_url, port),
            database_url=_at_port(self.database_url, port),
            emulator_url=_at_port(self.emulator_url, emulator or self.emulator_port),
            supabase_url=_at_port(self.supabase_url, supabase or self.supabase_port),
            edge_url=_at_port(self.edge_url, edge) if edge else self.edge_url,
        )


def new_stack(state: Path, *, home: Path, taken: Collection[int] = ()) -> LocalStack:
    """Make up a stack with fresh passwords and free ports; start nothing."""
    postgres = free_port(taken)
    emulator = free_port([*taken, postgres])
    supabase = free_port([*taken, postgres, emulator])
    jwt_secret = secrets.token_hex(32)
    return LocalStack(
        state=state,
        postgres_port=postgres,
        admin_url=_database_url(ADMIN_ROLE, postgres),
        database_url=_database_url("postgres", postgres),
        emulator_url=f"http://{LOOPBACK}:{emulator}",
        region=REGION,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=secrets.token_hex(20),
        supabase_url=f"http://{LOOPBACK}:{supabase}",
        jwt_secret=jwt_secret,
        internal_api_key=secrets.token_urlsafe(32),
        service_role_key=api_key("service_role", jwt_secret),
        anon_key=api_key("anon", jwt_secret),
        mark=secrets.token_hex(16),
        home=home,
    ).with_edge()


def _database_url(role: str, port: int) -> str:
    password = secrets.token_urlsafe(24)
    return f"postgresql://{role}:{password}@{LOOPBACK}:{port}/{DATABASE}"


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def _at_port(url: str, port: int) -> str:
    head, _, rest = url.rpartition(":")
    _, slash, path = rest.partition("/")
    return f"{head}:{port}{slash}{path}"
