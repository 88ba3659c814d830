import re

import psycopg

from deploy.paths import REPOSITORY
from infra.front_routing import bucket_of

USERS = "(SELECT gen_random_uuid() AS id FROM generate_series(1, 500)) AS users"


def test_the_documented_query_gives_the_buckets_of_the_front(scratch_url):
    text = (REPOSITORY / "docs" / "cutover.md").read_text(encoding="utf-8")
    found = re.search(r"```sql\n(SELECT id, .*?)\n```", text, re.DOTALL)
    assert found
    query = found[1].replace("auth.users", USERS)

    with psycopg.connect(scratch_url) as connection:
        rows = connection.execute(query).fetchall()

    assert len(rows) == 500
    assert [bucket for _, bucket in rows] == [bucket_of(str(user)) for user, _ in rows]
