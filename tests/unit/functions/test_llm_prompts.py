"""What a model is asked."""

from uuid import UUID

import pytest

from functions.llm_handler.prompts import (
    DEFAULT_INSTRUCTIONS,
    NAME_MAX,
    Said,
    answer_prompt,
    fixed_bytes,
    summary_prompt,
    turns_of,
)
from functions.shared.prompts import Turn

USER, ASSISTANT = Turn("user", "Tea?"), Turn("assistant", "Yes.")


def test_a_first_message_is_asked_with_the_instructions_alone():
    prompt = answer_prompt([USER], [], None)

    assert (prompt.instructions, prompt.turns) == (DEFAULT_INSTRUCTIONS, (USER,))


def test_memories_and_summary_stand_in_the_instructions():
    prompt = answer_prompt([USER], ["likes tea", "has a cat"], "They met.", "Be kind.")

    assert prompt.instructions == (
        "Be kind.\n\n"
        "What you know about the person:\n- likes tea\n- has a cat\n\n"
        "Summary of the conversation so far:\nThey met."
    )


def test_answers_before_the_first_message_are_left_out():
    prompt = answer_prompt([ASSISTANT, ASSISTANT, USER, ASSISTANT, USER], [], None)

    assert [turn.role for turn in prompt.turns] == ["user", "assistant", "user"]


def test_a_summary_continues_the_earlier_one():
    prompt = summary_prompt([USER, ASSISTANT], "They met.")

    assert [turn.text for turn in prompt.turns] == [
        "earlier summary: They met.\n\nuser: Tea?\n\nassistant: Yes."
    ]


def said(text: str, user: int | None, name: str | None = None, role="user") -> Said:
    user_id = None if user is None else UUID(int=user)
    return Said(role=role, text=text, user_id=user_id, user_name=name)


def test_one_person_needs_no_name():
    history = [said("Tea?", 1, "Ann"), said("Yes.", 1, "Ann", "assistant")]

    assert turns_of(history) == [USER, ASSISTANT]


def test_several_people_are_told_apart_by_one_short_line():
    history = [
        said("Tea?", 1, " Ann \n Lee "),
        said("Coffee.", 2, "B" * 100),
        said("Hm.", 3),
        said("Yes.", None, None, "assistant"),
    ]

    assert [turn.text for turn in turns_of(history)] == [
        "Ann Lee: Tea?",
        "B" * NAME_MAX + ": Coffee.",
        "Hm.",
        "Yes.",
    ]


@pytest.mark.parametrize("instructions", [None, "Be kind \u2615."])
def test_the_fixed_part_of_a_prompt_is_never_underestimated(instructions):
    bare = answer_prompt([USER], [], None, instructions)
    full = answer_prompt([USER], ["a", "b"], "s", instructions)

    assert len(bare.instructions.encode()) <= fixed_bytes(instructions)
    added = 2 * (1 + 3) + 1
    assert len(full.instructions.encode()) <= fixed_bytes(instructions) + added
