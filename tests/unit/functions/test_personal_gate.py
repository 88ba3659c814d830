"""The gate before memories: what may tell something of a person passes."""

import pytest

from functions.shared.personal_gate import READ_MAX, may_tell

TELLING = [
    "I live in Porto.",
    "My wife is from Peru",
    "just moved to Leeds",
    "Been vegan since March.",
    "never liked cilantro",
    "Two, a boy and a girl.",
    "yes",
    "No.",
    "42",
    "Nurse, night shifts mostly.",
    "The doctor says it will heal by summer.",
    "can you write a poem for my daughter's graduation?",
    "How do I tell the kids that we are moving?",
    "Is Lisbon a good place for a family with toddlers?",
    "Write a toast for Anna, who turns thirty.",
    "Suggest a vegan dinner for six.",
    "What is a good gift for a tenth wedding anniversary?",
    "Fix this. By the way, we got the house!",
    "```\nx = 1\n```\nThis is for our thesis.",
    "Ich wohne seit 2019 in Köln.",
    "Lebe allein.",
    "Was koche ich für meine Kinder?",
    "Welches Geschenk passt zur Hochzeit?",
    "Habe morgen Prüfung in Anatomie.",
    "J'habite à Lyon avec ma mère",
    "Que cuisiner pour mes enfants ?",
    "Suis infirmier de nuit.",
    "Vivo en Madrid.",
    "¿Qué puedo cocinar sin gluten?",
    "Tengo dos hijos.",
    "Qual presente para minha filha?",
    "Eu moro no Rio.",
    "Ho due figli e un cane.",
    "Mam na imię Ola.",
    "Я живу в Риге",
    "Что подарить жене?",
    "我住在上海",
    "私は看護師です",
    "저는 서울에 살아요",
    "أعيش في القاهرة",
    "मैं दिल्ली में रहता हूँ",
    "Μένω στην Αθήνα",
]

MISSED = [
    "How should a nurse with a bad back plan the week?",
    "What is a good breakfast before a marathon at sixty?",
    "Make a plan for learning the cello in ten months.",
    "Wie übersteht man als Lehrer die ersten Wochen?",
]
"""Facts that hide in questions; passing all questions would double the calls."""

EMPTY = [
    "Thanks!",
    "ok",
    "Ok, got it",
    "thank you so much",
    "lol",
    "👍👍",
    "...",
    "Hello!",
    "go on",
    "What is the capital of France?",
    "How do I reverse a list in Python?",
    "Can you explain recursion?",
    "Write a haiku about rain.",
    "please make it shorter",
    "Translate this into French.",
    "Tell me a joke",
    "and now add a test for the empty list",
    "Why is the sky blue? Give three reasons.",
    "Summarize it.",
    "```python\nprint(1)\n```",
    "Danke!",
    "Alles klar, vielen Dank",
    "Wie spät ist es in Tokio?",
    "Schreib das bitte kürzer.",
    "Merci beaucoup",
    "C'est quoi la photosynthèse ?",
    "Explique la différence.",
    "¡Gracias!",
    "¿Qué es la fotosíntesis?",
    "Resume el texto.",
    "obrigado",
    "Спасибо!",
    "谢谢",
    "ありがとうございます",
]


@pytest.mark.parametrize("text", TELLING)
def test_what_tells_of_a_person_passes(text):
    assert may_tell(text)


@pytest.mark.parametrize("text", MISSED)
def test_what_hides_in_a_question_is_missed_and_known_to_be(text):
    assert not may_tell(text)


def test_most_of_what_tells_nothing_is_refused():
    passed = [text for text in EMPTY if may_tell(text)]

    # A place in a question passes: it may be where somebody lives.
    assert passed == ["What is the capital of France?"]


@pytest.mark.parametrize("text", ["", "x" * (READ_MAX + 1), "qwrt zxcv plmk"])
def test_what_it_cannot_judge_passes(text):
    assert may_tell(text)


@pytest.mark.parametrize(
    "text", ["thanks, I am Ana", "ok my son agrees", "hi from Rio"]
)
def test_thanks_with_more_pass(text):
    assert may_tell(text)
