"""What counts as a change of the code that answers."""

from __future__ import annotations

from lynx.tracking.code_identity import bare, code_identity

SOURCE = '''"""A file."""


def double(number: int) -> int:
    """Twice the number."""
    return 2 * number
'''


def test_words_about_the_code_are_no_part_of_it() -> None:
    other = SOURCE.replace("Twice the number.", "The number twice.").replace("A file.", "It.")
    assert bare(other + "# a remark\n") == bare(SOURCE)


def test_another_computation_and_another_text_that_is_used_are() -> None:
    assert bare(SOURCE.replace("2 *", "3 *")) != bare(SOURCE)
    assert bare("PROMPT = 'a'\n") != bare("PROMPT = 'b'\n")


def test_a_function_of_a_docstring_alone_stays_a_function() -> None:
    assert "pass" in bare('def nothing() -> None:\n    """Does nothing."""\n')


def test_the_identity_is_twelve_hex_digits() -> None:
    assert len(code_identity()) == 12 and int(code_identity(), 16) >= 0
