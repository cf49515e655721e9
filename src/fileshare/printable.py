"""Text of others, made fit to be shown on a terminal or in a log."""


def printable(text: str) -> str:
    """The text with every character that could move a cursor or hide others written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
