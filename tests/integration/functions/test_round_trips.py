"""What one message costs in round trips to PostgreSQL, counted on the wire."""

import json
from uuid import uuid4

import pytest

from benchmarks.cluster import Database
from benchmarks.services.proxy import counted
from benchmarks.services.settings import variables
from deploy.local.facts import new_stack
from deploy.smoke.person import sign
from functions.chat_send.handler import application
from functions.chat_send.settings import Settings
from functions.shared import function_url
from functions.shared.database import SingleConnection

pytestmark = pytest.mark.integration


@pytest.fixture
def warm(cluster, app, tmp_path):
    """chat_send as a Lambda environment has it, after its first message."""
    stack = new_stack(tmp_path, home=tmp_path)
    with counted(app.url, cluster.port) as (proxy, url):
        database = Database(url=url, stack=stack, bindir=tmp_path)
        settings = Settings.from_environ(variables(database, url=url, standin_url=""))
        connection = SingleConnection(url, "chat_send")
        service = application(settings, connection)

        def send(user, chat, key=None):
            body = {
                "chat_id": str(chat),
                "client_msg_id": str(key or uuid4()),
                "text": "Tea?",
            }
            token = sign(user, stack.jwt_secret, "")
            event = {
                "rawPath": "/functions/v1/chat-send",
                "requestContext": {"http": {"method": "POST"}, "requestId": "r"},
                "headers": {"authorization": f"Bearer {token}"},
                "body": json.dumps(body),
            }
            return function_url.answer(service, event)["statusCode"]

        assert send(app.user, app.conversation()) == 201
        yield proxy, send
        connection.close()


def test_a_message_costs_one_round_trip(app, warm):
    proxy, send = warm
    chat = app.conversation()

    with proxy.counting() as seen:
        assert send(app.user, chat) == 201

    assert seen.flights == 1


def test_a_retry_costs_one_round_trip(app, warm):
    proxy, send = warm
    chat, key = app.conversation(), uuid4()
    send(app.user, chat, key)

    with proxy.counting() as seen:
        assert send(app.user, chat, key) == 200

    assert seen.flights == 1


def test_a_message_to_a_conversation_of_others_costs_one_round_trip(app, warm):
    proxy, send = warm
    chat = app.conversation()

    with proxy.counting() as seen:
        assert send(uuid4(), chat) == 404

    assert seen.flights == 1
