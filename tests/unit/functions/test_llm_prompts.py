"""What a model is asked."""

from functions.llm_handler.prompts import (
    DEFAULT_INSTRUCTIONS,
    answer_prompt,
    summary_prompt,
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
