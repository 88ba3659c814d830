"""``db.forecast`` through PgBouncer in transaction mode, as Supabase's port 6543."""

import json

import pytest
from poolers import PGBOUNCER, pgbouncer

from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.forecast import commands
from deploy.forecast.asking import Asked

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        PGBOUNCER is None,
        reason="pgbouncer is not installed: apt-get install pgbouncer",
    ),
]


def test_a_transaction_pooler_is_enough(
    app, cluster, short_folder, monkeypatch, capsys
):
    app.connection.execute(
        "insert into kiloscale.health_snapshots (taken_at, database_bytes)"
        " select now() - n * interval '6 hours', 2000000000 - 3000000 * n"
        " from generate_series(1, 120) n"
    )

    with pgbouncer(
        cluster, app.url, short_folder, mode="transaction", servers=2
    ) as url:
        monkeypatch.setattr(Deployment, "database_url", lambda _: url)
        code = commands.forecast("local", Asked, Output(as_json=True))

    checks = {
        each["id"]: each for each in json.loads(capsys.readouterr().out)["checks"]
    }
    assert code == 0
    assert checks["growth.database"]["status"] == "pass"
    assert checks["helps.archive"]["evidence"]["reason"].endswith("run analyze")
