"""Options that many tasks share, with their help."""

SHOWN = {
    "stack": "Stack to act on; local is the embedded one.",
    "json": "Print one JSON document on stdout instead of a table.",
    "evidence": "Show what each check looked at and saw.",
    "debug": "Show the traceback of an error.",
}
