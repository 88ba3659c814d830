import pytest

from tests.integration.migrations.conversion import convert

pytestmark = pytest.mark.integration


def test_try(app):
    chat = app.conversation(*range(50))
    results = convert(app.url)
    for r in results:
        print(r.id, r.title, r.evidence)
    app.run("insert into messages (chat_id, role, text) values (%s,'user','x')", chat)
    for r in convert(app.url, "sync", "verify", "back", "abort"):
        print(r.id, r.title)
    assert app.value("select count(*) from messages") == 51
    assert 0
