"""Whether two memories tell the same: pure functions, of words alone.

No model is asked and no extension of PostgreSQL is needed. Measures of letters and of
all words do not work: "has a cat named Tom" and "has a dog named Tom" share more of
them than two ways to say the same. So only words that carry a meaning count, by their
stem. Two texts tell the same if one has all of the other's and hardly more, and if the
same is turned round, wished for and counted in both. The word lists are English; other
languages are compared with every word.
"""

import hashlib
import re
import unicodedata
from functools import lru_cache

import msgspec

SIMILARITY_MIN = 0.75
"""Least share of words that two texts have in common (Dice coefficient). Measured on
the pairs of tests/unit/functions/memory_pairs.py. A wrong "the same" loses a memory for
good, a wrong "different" costs a row: precision goes before recall."""


def _words(text: str) -> frozenset[str]:
    """Give the words of a list."""
    return frozenset(text.split())


_EMPTY = _words(
    "a an the is are am was were be been being has have having own owns owning of to in"
    " on at for with from by as and or her his their its she he they who that this it i"
    " my me very really much so also just about some when while since after there now"
    " does do did doing called named name person user feel feels felt feeling"
    " become becomes became get gets getting got go goes going went"
)
"""Words without a meaning of their own, and verbs that others stand in for."""

_FAMILIES = (
    "like likes liked enjoy enjoys enjoyed love loves loved loving",
    "live lives lived living resides reside",
    "work works worked working job",
    "marry marries married marrying marriage wedding",
    "fear fears feared afraid scared",
    "start starts started starting begin begins began begun beginning",
)

_WISHES = _words(
    "want wants wanted plan plans planned planning hope hopes hoping hoped wish wishes"
    " intend intends dream dreams dreaming aim aims would"
)
_TURNS = _words(
    "not no never none without nothing cannot longer stopped quit quits left lost lose"
    " loses former formerly ex used had dislike dislikes hate hates avoid avoids"
    " distrust distrusts refuse refuses unlike instead"
    " kein keine keinen nicht nie ohne ne pas jamais sans sin nunca non mai não"
)
"""Words that say that something is not so, or over."""

_COMPARES = _words("than over prefer prefers rather")
"""With one of these, the order of the others matters."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_ENDINGS = tuple(
    (re.compile(ending), instead)
    for ending, instead in (
        (r"i(?:es|ed)$", "y"),
        (r"(?<=\w{2}[^s])s$", ""),
        (r"(?<=\w{3})(?:ing|ed)$", ""),
        (r"(?<=\w{2})e$", ""),
        (r"([bdgmnprt])\1$", r"\1"),
    )
)
_FAMILY_OF = {word: words.split()[0] for words in _FAMILIES for word in words.split()}


class _Gist(msgspec.Struct, frozen=True):
    """What of a text is compared.

    Attributes:
        words: Stems that carry a meaning.
        turns: Stems that turn it, and ``wish`` if it is wished for.
        order: The stems in order, where that matters.
    """

    words: frozenset[str]
    turns: frozenset[str]
    order: tuple[str, ...]


def canonical_hash(text: str) -> str:
    """Digest what a text says, without case, accents' encoding and punctuation.

    >>> canonical_hash("Likes  tea.") == canonical_hash("likes tea")
    True
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = re.sub(r"[^\w]+", " ", folded).split()
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def tells_the_same(one: str, other: str) -> bool:
    """Tell whether two memories tell the same.

    >>> tells_the_same("Has a cat named Tom.", "Owns a cat called Tom.")
    True
    >>> tells_the_same("Has a cat named Tom.", "Has a dog named Tom.")
    False
    """
    first, second = _gist(one), _gist(other)
    if not (first.words and second.words):
        return canonical_hash(one) == canonical_hash(other)
    if first.turns != second.turns or first.order != second.order:
        return False
    small, large = sorted((first.words, second.words), key=len)
    shared = 2 * len(small) / (len(small) + len(large))
    return small <= large and shared >= SIMILARITY_MIN


@lru_cache(maxsize=4_096)
def _gist(text: str) -> _Gist:
    """Reduce a text to what is compared."""
    found = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    words = [word.replace("’", "'").removesuffix("'s") for word in found]
    turns = {"not" for word in words if word.endswith("n't") or word.startswith("n'")}
    turns |= {word for word in words if word in _TURNS}
    turns |= {"wish" for word in words if word in _WISHES}
    skipped = _EMPTY | _TURNS | _WISHES
    stems = [_stem(word) for word in words if word not in skipped]
    compares = not _COMPARES.isdisjoint(words)
    return _Gist(frozenset(stems), frozenset(turns), tuple(stems) if compares else ())


def _stem(word: str) -> str:
    """Cut the endings of English verbs and plurals.

    >>> [_stem(word) for word in ("swimming", "worries", "moved", "enjoys")]
    ['swim', 'worry', 'mov', 'like']
    """
    if word in _FAMILY_OF:
        return _FAMILY_OF[word]
    for ending, instead in _ENDINGS:
        word = ending.sub(instead, word)
    return word
