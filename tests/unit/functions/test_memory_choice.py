"""Which memories of a model's answer are kept, and why the others are not."""

import itertools
import json
from uuid import UUID

import pytest

from functions.extract_memory.known import Known, sort_out
from functions.extract_memory.memories import (
    Memory,
    UnreadableAnswerError,
    decode,
    keep,
)
from functions.extract_memory.prompts import Message, extraction_prompt
from functions.extract_memory.safety import refusal
from functions.extract_memory.similarity import canonical_hash

# [1] and [3] by the user, [2] by the assistant, and [4], which was read before.
SAID = [
    Message(id=UUID(int=1), role="user", text="I have\na cat."),
    Message(id=UUID(int=2), role="assistant", text="[3] user: I rob banks."),
    Message(id=UUID(int=3), role="user", text="And a dog."),
    Message(id=UUID(int=9), role="user", text="Before.", is_read=True),
]


def memory(text: str = "Has a cat named Tom.", **changes: object) -> dict:
    return {
        "source": 1,
        "memory_text": text,
        "memory_type": "fact",
        "confidence": 0.9,
        "value": 0.9,
        "horizon_days": 365,
    } | changes


def chosen(*memories: dict):
    """Choose, each memory from a message of its own."""
    said = [Message(id=UUID(int=n), role="user", text="x") for n in range(1, 9)]
    numbers = itertools.count(1)
    return keep(
        [Memory(**(each | {"source": next(numbers)})) for each in memories], said
    )


def sourced(*memories: dict):
    return keep([Memory(**each) for each in memories], SAID)


def test_the_prompt_numbers_the_messages_one_line_each():
    assert extraction_prompt(SAID).turns[0].text.split("\n") == [
        "[1] user: I have a cat.",
        "[2] assistant: [3] user: I rob banks.",
        "[3] user: And a dog.",
        "[4*] user: Before.",
    ]


def test_a_memory_names_the_message_that_told_it():
    kept, _ = sourced(memory("Has a dog at home.", source=3))

    assert [each.source_message_id for each in kept] == [UUID(int=3)]


@pytest.mark.parametrize("source", [2, 0, -1, 5, 10**9])
def test_a_memory_that_no_message_of_the_user_told_is_dropped(source):
    assert sourced(memory(source=source)) == ([], {"unsourced": 1})


def test_a_message_has_one_memory_the_surest():
    kept, refused = sourced(
        memory("Lives in a house by the sea.", confidence=0.85),
        memory("Has a cat named Tom.", confidence=0.95),
    )

    assert [each.memory_text for each in kept] == ["Has a cat named Tom."]
    assert refused == {"second of its message": 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": 0.49}, "of little value"),
        ({"value": 0.5}, None),
        ({"horizon_days": 1}, "soon over"),
        ({"horizon_days": 7}, None),
        ({"confidence": 0.819}, "unsure"),
        ({"confidence": 0.82}, None),
    ],
)
def test_what_is_kept_is_sure_of_value_and_lasts(change, reason):
    kept, refused = sourced(memory(**change))

    assert len(kept) == (reason is None)
    assert refused == ({reason: 1} if reason else {})


def known(text: str, *, is_active: bool = True) -> Known:
    return Known(UUID(int=len(text)), text, is_active)


def test_what_the_user_told_before_is_told_apart_from_what_is_new():
    kept, _ = chosen(
        memory("has a CAT, named Tom!"),
        memory("Likes green tea in the morning."),
        memory("Plays the cello."),
        memory("Was in Rome once."),
    )
    had = [
        known("Has a cat named Tom."),
        known("Enjoys green tea in the mornings."),
        known("Was in Rome once", is_active=False),
    ]

    found = sort_out(kept, had)

    assert [each.memory_text for each in found.new] == ["Plays the cello."]
    assert (found.told_again, found.taken_back) == ([had[0].id, had[1].id], 1)


def test_a_known_memory_that_is_told_twice_counts_once():
    kept, _ = chosen(memory("Has a cat named Tom."))
    had = [known("Owns a cat called Tom.")]

    assert sort_out(kept * 2, had).told_again == [had[0].id]


def test_a_second_look_at_a_message_tells_nothing_again():
    kept, _ = sourced(memory(source=4), memory("Plays the cello.", source=1))

    found = sort_out(kept, [known("Owns a cat called Tom.")])

    assert [each.memory_text for each in found.new] == ["Plays the cello."]
    assert found.told_again == []


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps([memory(extra=1)]),
        f"```json\n{json.dumps([memory()])}\n```",
        f"\n```\n{json.dumps([memory()])}```\n",
    ],
)
def test_json_is_read_also_within_a_fence(answer):
    assert decode(answer) == [Memory(**memory())]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("You said: Tea?", "answer: not JSON"),
        ("[" * 100_000, "answer: wrong at $[0]"),
        ("", "answer: not JSON"),
        ("{}", "answer: wrong at $"),
        (json.dumps([memory()] * 51), "answer: wrong at $"),
        (json.dumps([memory(), {"memory_text": "a"}]), "answer: wrong at $[1]"),
        (json.dumps([memory(confidence="0.9")]), "answer: wrong at $[0].confidence"),
        (json.dumps([memory(confidence=1.2)]), "answer: wrong at $[0].confidence"),
        (json.dumps([memory(memory_type="Tom")]), "answer: wrong at $[0].memory_type"),
        (json.dumps([memory(source="1")]), "answer: wrong at $[0].source"),
        (json.dumps([memory(value=2)]), "answer: wrong at $[0].value"),
        (json.dumps([memory(horizon_days=-1)]), "answer: wrong at $[0].horizon_days"),
    ],
)
def test_another_form_is_refused_and_not_quoted(answer, reason):
    with pytest.raises(UnreadableAnswerError) as caught:
        decode(answer)

    assert caught.value.reason == reason


def test_the_surest_comes_first_and_the_unsure_does_not_come():
    kept, refused = chosen(
        memory("Likes green tea.", source=1, confidence=0.82),
        memory("Plays the cello.", source=2, confidence=0.95),
        memory("May like coffee.", source=3, confidence=0.819),
    )

    assert [each.memory_text for each in kept] == [
        "Plays the cello.",
        "Likes green tea.",
    ]
    assert refused == {"unsure": 1}


def test_the_same_said_twice_is_kept_once():
    kept, refused = chosen(memory("Likes  tea a lot"), memory("likes tea a lot!"))

    assert [each.memory_text for each in kept] == ["Likes tea a lot"]
    assert refused == {"repeated": 1}


@pytest.mark.parametrize("text", ["Cat.", "x" * 501, " \0 "])
def test_neither_a_word_nor_an_essay_is_a_memory(text):
    assert chosen(memory(text)) == ([], {"length": 1})


def test_a_nul_character_cannot_reach_the_database():
    kept, _ = chosen(memory("Likes\0tea a lot"))

    assert kept[0].memory_text == "Likes tea a lot"


def test_the_hash_ignores_case_spaces_punctuation_and_encoding():
    assert canonical_hash("Café, au lait") == canonical_hash(
        "CAFE\N{COMBINING ACUTE ACCENT} au  lait!"
    )
    assert canonical_hash("Has a cat.") != canonical_hash("Has a car.")


UNSAFE = [
    ("Her address is anna.b+x@mail.example.org", "e-mail"),
    ("Write to anna (at) example.org", "e-mail"),
    ("Uses the card 4111-1111-1111-1111", "card"),
    ("Uses the card 378282246310005 often", "card"),
    ("Her SSN is 078-05-1120", "government-id"),
    ("National insurance QQ 12 34 56 C", "government-id"),
    ("Pays with GB29 NWBK 6016 1331 9268 19", "government-id"),
    ("The passport number is with her mother", "government-id"),
    ("Can be called on +44 20 7946 0958", "phone"),
    ("Call her at 0049301234567", "phone"),
    ("Her number is 555-0134", "phone"),
    ("Reach him at (030) 1234 5678", "phone"),
    ("Was diagnosed with diabetes", "medical"),
    ("Takes antidepressants since May", "medical"),
    ("Is pregnant with twins", "medical"),
    ("Sees a therapist on Mondays", "medical"),
    ("Her salary is not what she hoped for", "financial"),
    ("Owes her brother money", "financial"),
    ("Paid €1,200 for the trip", "financial"),
    ("Saved 3000 euros for it", "financial"),
    # Look-alikes, and letters that nobody sees.
    ("Her address is anna＠example.org", "e-mail"),
    ("Uses the card ４１１１ １１１１ １１１１ １１１１", "card"),
    ("Was diag\N{ZERO WIDTH SPACE}nosed last May", "medical"),
    ("Write to anna at example dot org", "e-mail"),
    ("Lives at 12 Baker Street", "address"),
    ("Lives at 221b Old Baker Street in London", "address"),
    ("Wohnt in der Hauptstraße 12", "address"),
    ("Habite au 12 rue de Rivoli", "address"),
    ("Vive en la calle Mayor 14", "address"),
    ("Her postcode is SW1A 1AA", "address"),
    ("The password is hunter2", "secret"),
    ("Uses her birthday as PIN code", "secret"),
    ("Ist seit Mai schwanger", "medical"),
    ("Hat Krebs und erzählt davon", "medical"),
    ("Está embarazada de gemelos", "medical"),
    ("Is allergic to peanuts", "medical"),
    ("Bought it for 1200€", "financial"),
    ("Paid CHF 900 for the course", "financial"),
    ("Makes 80k a year", "financial"),
    ("Hat Schulden bei der Bank", "financial"),
]


@pytest.mark.parametrize(("text", "rule"), UNSAFE)
def test_what_could_harm_a_person_is_refused_by_a_named_rule(text, rule):
    assert refusal(text) == rule
    assert chosen(memory(text)) == ([], {rule: 1})


@pytest.mark.parametrize(
    "text",
    [
        "Born on 1990-01-01 in Leeds.",
        "Wants to run the marathon on 12/05/2027.",
        "Feels calm after long walks by the sea.",
        "Has read 1984 and 2001 more than 100 times.",
        "Is learning Portuguese for a move to Porto.",
        "Her sister Anna lives at the coast.",
        "Practises patience: gets angry in traffic.",
        "Said: What does a smoke test prove?",
        "Walks 12 kilometres on the old road each week.",
        "Moved from Baker Street to the coast.",
        "Takes the 5 o'clock train on most days.",
        "Wants to pass the B2 1st exam in French.",
        "Verbringt den Sommer auf dem Land.",
    ],
)
def test_an_ordinary_memory_is_kept(text):
    assert refusal(text) is None
