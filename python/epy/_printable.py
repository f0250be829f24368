"""Text of a file, shown on a terminal."""


def printable(text: str) -> str:
    """With all escaped that a terminal obeys.

    What a file says cannot clear the screen, forge a line or turn the direction of writing.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
