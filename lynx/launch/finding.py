"""What a check of the machine says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of one check; text: what was found, and for a problem what would be right.

    is_warning: it may be a problem, which can't be known here; nothing is stopped for it.
    """

    check: str
    text: str
    is_problem: bool = False
    is_warning: bool = False
