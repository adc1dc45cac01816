"""Holds a key so that no print, traceback or file shows it."""

from __future__ import annotations

import json
from urllib.parse import quote

SHOWN = "<key>"


class Secret:
    """A key; prints as `<key>`."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return SHOWN

    def __reduce__(self) -> str:
        raise TypeError("a key is not written to a file")

    def removed_from(self, text: str) -> str:
        """The text with `<key>` for the key, as it is or as JSON or an address writes it."""
        if not self.value:
            return text
        forms = {self.value, json.dumps(self.value)[1:-1], quote(self.value, safe="")}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, SHOWN)
        return text
