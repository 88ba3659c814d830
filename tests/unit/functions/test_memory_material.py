"""What a gathered reading shows: what can tell something, and what that needs."""

from uuid import uuid4

from functions.extract_memory.known import Known, sort_out
from functions.extract_memory.material import chosen
from functions.extract_memory.memories import Kept
from functions.extract_memory.prompts import Message
from functions.extract_memory.similarity import canonical_hash

LIST = f"Here you go: 1. oak, 2. beech. {'Both burn well. ' * 40}"


def message(text: str, role: str = "user", *, is_read: bool = False) -> Message:
    return Message(id=uuid4(), role=role, text=text, is_read=is_read)


def shown(*messages: Message) -> list[str]:
    return [each.text for each in chosen(messages)]


def test_thanks_instructions_and_long_answers_are_left_out():
    found = shown(
        message("Write a haiku about rain."),
        message("Drops on a tin roof.", "assistant"),
        message("Thanks!"),
        message("You are welcome.", "assistant"),
        message("It reminds me of the farm where I grew up, near Leeds."),
        message("That sounds like a good place.", "assistant"),
    )

    assert found == ["It reminds me of the farm where I grew up, near Leeds."]


def test_a_short_answer_keeps_its_question():
    question = message(f"{'Well. ' * 100}Do you have children?", "assistant")

    found = shown(message("I am bored."), question, message("Two, yes."))

    assert found[1].endswith("Do you have children?")
    assert (len(found[1]), found[2]) == (150, "Two, yes.")


def test_a_choice_keeps_the_list_that_it_points_at():
    found = shown(message(LIST, "assistant"), message("The second one, always."))

    assert found == [LIST, "The second one, always."]


def test_what_was_read_is_read_again_but_alone_it_is_no_reason():
    read = message("I live in Porto.", is_read=True)

    assert shown(read, message("I like it.")) == ["I live in Porto.", "I like it."]
    assert chosen([read, message("Thanks!")]) == []


def test_a_second_reading_does_not_tell_a_memory_again():
    text = "Lives in Porto."
    source = uuid4()
    memory = Kept(
        source_message_id=source,
        memory_text=text,
        memory_type="fact",
        confidence_score=0.9,
        canonical_hash=canonical_hash(text),
        value=0.9,
        horizon_days=365,
    )
    had = [Known(uuid4(), text, True, source)]

    found = sort_out([memory], had)

    assert (found.new, found.told_again) == ([], [])
