"""What no object's name has, so that no CDN keeps anything under it.

An encoded slash, or a percent sign that encodes one for whoever decodes again, could
leave the allowed folder behind a check; an empty part and a control character name
nothing. Supabase Storage takes no such names (storage-api, src/storage/limits.ts).

In the words of each renderer, all of a path that is normalised as RFC 3986 says.
"""

EMPTY_PART = "//"
END = "/"
"""At the end of a path: a folder, and no object."""

ENCODED = ("%2f", "%5c", "%25", "%0", "%1", "%7f")
"""In lower case, of either case in a path: slash, backslash, percent sign, and the
starts of the control characters."""


def spellings(text: str) -> tuple[str, ...]:
    """Give each way to write a text in lower and upper case, letter by letter.

    >>> spellings(".a1b")
    ('.a1b', '.a1B', '.A1b', '.A1B')
    """
    found = [""]
    for letter in text:
        both = dict.fromkeys((letter.lower(), letter.upper()))
        found = [start + each for start in found for each in both]
    return tuple(found)
