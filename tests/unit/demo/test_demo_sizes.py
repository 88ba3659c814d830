"""How much a demo makes of what."""

import pytest

from deploy.demo.filling import Stage, stages
from deploy.demo.sizes import USERS_MAX, Sizes, lengths
from deploy.errors import UsageError


def test_everything_follows_from_the_number_of_users():
    sizes = Sizes.of(1_000)

    assert (sizes.conversations, sizes.messages) == (10_000, 200_000)
    assert (sizes.memories, sizes.logs, sizes.webhook_events) == (
        20_000,
        200_000,
        5_000,
    )


@pytest.mark.parametrize("users", [-1, 0, USERS_MAX + 1])
def test_a_number_out_of_range_is_refused_with_the_range(users):
    with pytest.raises(UsageError, match=rf"between 1 and 10,000, got {users}:"):
        Sizes.of(users)


@pytest.mark.parametrize("users", [1, 5, 50, 1_000, USERS_MAX])
def test_the_lengths_add_up_to_the_messages(users):
    sizes = Sizes.of(users)

    found = lengths(sizes.conversations, sizes.messages)

    assert len(found) == sizes.conversations
    assert sum(found) == pytest.approx(sizes.messages, rel=0.02)


def test_few_conversations_are_long_and_most_are_short():
    found = lengths(10_000, 200_000)

    assert found == sorted(found, reverse=True)
    assert found[0] > 50 * found[5_000] > 0
    assert sum(found[:1_000]) > sum(found[5_000:])


def test_each_conversation_has_a_question_and_an_answer():
    assert lengths(5, 4) == [2, 2, 2, 2, 2]


def test_a_demo_has_more_messages_than_archival_keeps():
    assert max(lengths(50 * 10, 50 * 200)) > 100


@pytest.mark.parametrize(
    ("total", "batch", "expected"),
    [(0, 5, []), (5, 5, [(1, 5)]), (6, 5, [(1, 5), (6, 6)]), (2, 1, [(1, 1), (2, 2)])],
)
def test_the_batches_cover_each_row_once(total, batch, expected):
    assert list(Stage(name="x", total=total, batch=batch).batches()) == expected


def test_what_refers_to_something_comes_after_it():
    names = [stage.name for stage in stages(Sizes.of(1), messages=200)]

    assert names[:4] == ["users", "conversations", "messages", "memories"]
