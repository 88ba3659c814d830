"""A receipt that cannot reach the database is told; the deploy keeps its result."""

import pytest

from deploy import receipts
from deploy.deploying import copy_receipt
from deploy.deployment import Deployment
from deploy.errors import AuthError
from deploy.local.ports import free_port

pytestmark = pytest.mark.integration

DOCUMENT = {"number": 4, "stack": "cloudy", "sha256": "a", "previous": None}


def test_a_database_that_is_away_is_told(monkeypatch, capsys, tmp_path):
    url = f"postgresql://app:secret@127.0.0.1:{free_port()}/app"
    monkeypatch.setenv("KILOSCALE_DATABASE_URL", url)
    cloudy = Deployment(stack="cloudy", progress=lambda _: None, state=tmp_path)

    copy_receipt(cloudy, DOCUMENT)

    told = capsys.readouterr().err
    assert told.startswith("receipt 4 is in the records only, not in the database: ")
    assert "Connection refused" in told
    assert "secret" not in told


def test_a_role_that_may_not_write_is_told(cluster, scratch_url):
    name = scratch_url.rpartition("/")[2]
    with cluster.admin(name) as admin:
        admin.execute("create schema kiloscale")
        admin.execute(
            "create table kiloscale.receipts (stack text, number bigint, sha256 text,"
            " previous text, document jsonb)"
        )
        admin.execute("grant usage on schema kiloscale to postgres")

    with pytest.raises(AuthError, match="saving the receipt"):
        receipts.save(scratch_url, DOCUMENT)
