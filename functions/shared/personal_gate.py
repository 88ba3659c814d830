"""Whether a message can tell anything about the person who wrote it: pure functions.

The gate refuses only what it understands: signs without words, thanks and greetings,
and, in a language that it knows, messages of nothing but questions and instructions
without a word for the speaker, their people or their life, and without a name. Every
statement passes, and so does every language and script that it does not know. What it
misses is a fact that hides in such a question ("How should a nurse with a bad back
plan the week?"); ``./bootstrap policy-lab`` says how many.
"""

import re
import unicodedata
from functools import cache

from functions.shared.gate_words import (
    ACKNOWLEDGING,
    IMPERSONAL_NAMES,
    LANGUAGES,
    Words,
)

ACKNOWLEDGING_MAX = 6
"""Words of a message that may be thanks alone."""

FREQUENT_MIN = 0.25
"""Least share of a language's frequent words by which it counts as known: texts have
0.4 to 0.6; a text in another language with the same letters has under 0.2, except
Portuguese, which looks like Spanish and is read with its words."""

READ_MAX = 4_000
"""Characters that are looked at; a longer message passes, for it may hold anything."""

_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")
_LATIN_LAST = "\u024f"
"""Last letter of Unicode's block Latin Extended-B."""


def may_tell(text: str) -> bool:
    """Tell whether a user's message can say something about its writer.

    >>> may_tell("Thanks, got it!"), may_tell("Write a haiku about rain.")
    (False, False)
    >>> may_tell("We moved to Porto."), may_tell("Я живу в Риге.")
    (True, True)
    """
    if not text or len(text) > READ_MAX:
        return True
    text = unicodedata.normalize("NFKC", text)
    written = _CODE.sub("\n", text)
    prose = written.casefold()
    words = _WORD.findall(prose)
    if not words:
        # A number alone may be the answer to a question; pasted code is none.
        return written == text and any(each.isdigit() for each in prose)
    if len(words) <= ACKNOWLEDGING_MAX and ACKNOWLEDGING.issuperset(words):
        return any(each.isdigit() for each in prose)
    language = _language(words)
    if language is None or _tells(prose, language):
        return True
    return not language.is_capitalising and _names(written)


def _language(words: list[str]) -> Words | None:
    """Know a language by its frequent words; ``None`` for any other."""
    if max(map(max, words)) > _LATIN_LAST:
        return None
    shares = {
        name: sum(map(each.frequent.__contains__, words)) / len(words)
        for name, each in LANGUAGES.items()
    }
    best = max(shares, key=shares.__getitem__)
    return LANGUAGES[best] if shares[best] >= FREQUENT_MIN else None


def _tells(prose: str, language: Words) -> bool:
    """Look for the speaker, or for a sentence that is a statement."""
    plain = " ".join(_WORD.findall(prose))
    if language.service:
        plain = _service(language.service).sub(lambda found: found[1], plain)
    if not language.personal.isdisjoint(plain.split()):
        return True
    return any(_states(found, language) for found in _SENTENCE.findall(prose))


@cache
def _service(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Find phrases, the first word of each as group 1."""
    heads = [phrase.partition(" ")[::2] for phrase in phrases]
    either = "|".join(rf"{head}(?= {rest}\b)" for head, rest in heads)
    tails = "|".join(dict.fromkeys(rest for _, rest in heads))
    return re.compile(rf"\b({either}) (?:{tails})\b")


def _names(written: str) -> bool:
    """Look for a name: a capital within a sentence."""
    return any(
        word[0].isupper()
        and not word.isupper()
        and word.casefold() not in IMPERSONAL_NAMES
        for sentence in _SENTENCE.findall(written)
        for word in _WORD.findall(sentence)[1:]
    )


def _states(sentence: str, language: Words) -> bool:
    """Tell whether a sentence is neither a question nor an instruction."""
    words = _WORD.findall(sentence)
    if not words or "?" in sentence:
        return False
    while len(words) > 1 and words[0] in language.leading:
        words = words[1:]
    return words[0] not in language.asking | language.ordering
