import pytest

from infra.catalog.queues import QUEUES
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import SERVICES
from infra.naming import physical_name


def test_names_say_project_stack_and_resource():
    assert physical_name("production", "chat-send") == "kiloscale-production-chat-send"


def test_a_name_too_long_for_aws_is_refused_with_the_excess():
    with pytest.raises(
        ValueError, match="has 65 characters and AWS allows 64"
    ) as error:
        physical_name("a" * 45, "chat-send")

    assert "choose a stack name that is 1 shorter" in str(error.value)


def test_the_catalog_leaves_room_for_a_long_stack_name():
    named = [each.name for each in (*SERVICES, *SCHEDULES)]
    named += [f"{each.name}-dead-letters" for each in (*QUEUES, *SCHEDULES)]

    for name in named:
        assert physical_name("staging-two", name)
