"""Rules by which a text that came with a picture counts as noise, each with threshold and reason.

Texts of the web are the paper's noisy half (3.2: "not fluent or natural language expressions").
Thresholds that no source is named for are ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint

LIBRARY = f"py3langid {version('py3langid')}"
NO_LANGUAGE = "none"  # of a text without letters
DUPLICATE, LOW_SCORE = "duplicate", "low_score"

_FILE_OR_URL = re.compile(
    r"https?://|\bwww\.\w|\b[\w-]+\.(?:com|net|org|info|co\.uk)\b"
    r"|[\w)-]+\.(?:jpe?g|png|gif|webp|bmp|tiff?|svg|pdf|mp4|avi)\b"
    r"|^(?:img|dsc[a-z]?|dcim|pict|photo|image|picture|screenshot|untitled)[ _-]*\d{2,}",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"</?[a-z][^<>]*>|&(?:[a-z]{2,6}|#\d{1,5});", re.IGNORECASE)
_CUT_OFF = re.compile(r"(?:\.\.\.|…)\W*$|\([^()]*$")
_BOILERPLATE = re.compile(
    r"click (?:to|here|on|for)\b|image may contain|may be an image of|load image into gallery"
    r"|thumbnail for|free shipping|add to (?:cart|basket|wishlist)|buy now|best price|shop now"
    r"|all rights reserved|\bcopyright\b|©|stock (?:photo|image|illustration|vector)"
    r"|royalty[ -]free|no image|image not (?:found|available)|default title|photo gallery"
    r"|profile picture|view (?:larger|full size)|powered by|home / |read more"
    r"|download (?:free|now)",
    re.IGNORECASE,
)
_LEAST_FOR_REPEATS = 4  # words; below, one repeated word is half of them
# Words. Measured on English captions as they are trained on, of tuxpaint_caption and its held-out
# part: 28 % are called foreign at two words, 5 % at three, 2 of 53 at four, none of 123 at five and
# more, as none of 2,497 of the desk world. Of the stamps' descriptions in nine other languages 75 %
# are found at three words, 92 % at five, 99.8 % at eight and more.
LEAST_FOR_LANGUAGE = 5
_LETTERS = re.compile(r"\w*[^\W\d_]\w*")


@dataclass(frozen=True)
class Text:
    """A text and what rules ask of it. english: probability, of 139 languages."""

    text: str
    words: tuple[str, ...]  # as blanks part them
    language: str  # ISO 639 code of the most probable one, or NO_LANGUAGE
    english: float


@dataclass(frozen=True)
class Rule:
    """Finds one kind of noise.

    threshold: None where there is nothing to set. reason: what is found, and why that is noise.
    finds: None for a rule that needs all rows (DUPLICATE) or a score (LOW_SCORE). judges: whether
    a text is long enough for `finds`, which holds for no other.
    """

    name: str
    threshold: float | None
    reason: str
    finds: Callable[[Text, float], bool] | None = None
    judges: Callable[[Text], bool] = lambda _: True

    def __str__(self) -> str:
        return self.name if self.threshold is None else f"{self.name} {self.threshold:g}"


def _has(pattern: re.Pattern[str]) -> Callable[[Text, float], bool]:
    return lambda text, _: pattern.search(text.text) is not None


def _letter_share(text: Text) -> float:
    characters = "".join(text.words)
    return sum(map(str.isalpha, characters)) / max(len(characters), 1)


def _can_repeat(text: Text) -> bool:
    return len(_LETTERS.findall(text.text)) >= _LEAST_FOR_REPEATS


def _has_repeats(text: Text, least: float) -> bool:
    words = [found.lower() for found in _LETTERS.findall(text.text)]
    return _can_repeat(text) and len(set(words)) / len(words) < least


def has_language(text: Text) -> bool:
    """Whether the text has enough words for its language to be told."""
    return len(text.words) >= LEAST_FOR_LANGUAGE and text.language != NO_LANGUAGE


def _is_foreign(text: Text, least: float) -> bool:
    return has_language(text) and text.english < least


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "too_short",
            3,
            "fewer words than this; COYO-700M dropped those too",
            lambda text, least: len(text.words) < least,
        ),
        Rule(
            "too_long",
            256,
            "more words than this: a page, not a caption; COYO-700M dropped those too",
            lambda text, most: len(text.words) > most,
        ),
        Rule(
            "few_letters",
            0.5,
            "smaller share of letters than this: codes, dates and prices",
            lambda text, least: _letter_share(text) < least,
        ),
        Rule(
            "file_or_url",
            None,
            "a file name or an address of the web: not said by a person",
            _has(_FILE_OR_URL),
        ),
        Rule(
            "markup",
            None,
            "HTML tags or entities: a model repeats them (paper, Figure 9b)",
            _has(_MARKUP),
        ),
        Rule(
            "boilerplate",
            None,
            "a phrase of shops and pages, such as `click to enlarge`: not about the picture",
            _has(_BOILERPLATE),
        ),
        Rule(
            "cut_off",
            None,
            "ends with an ellipsis or in an open bracket: a model learns to stop mid-sentence",
            _has(_CUT_OFF),
        ),
        Rule(
            "repeated_words",
            0.5,
            f"smaller share of different words than this, of {_LEAST_FOR_REPEATS} and more words",
            _has_repeats,
            _can_repeat,
        ),
        Rule(
            "not_english",
            0.01,
            f"less probably English than this, of {LEAST_FOR_LANGUAGE} and more words ({LIBRARY})",
            _is_foreign,
            has_language,
        ),
        Rule(
            DUPLICATE,
            1,
            "more copies than this (case and blanks aside), the first ones kept: learned by heart",
        ),
        Rule(
            LOW_SCORE,
            0.28,
            "smaller CLIP score than this: LAION-5B's limit for English, of ViT-B/32",
        ),
    )
}


def rules_with(thresholds: Mapping[str, float]) -> dict[str, Rule]:
    """RULES with other thresholds; LynxError for a name that is no rule's or has none to set."""
    rules = dict(RULES)
    for name, threshold in thresholds.items():
        if known_rule(name).threshold is None:
            raise LynxError(f"noise rule `{name}` has no threshold to set")
        rules[name] = replace(RULES[name], threshold=threshold)
    return rules


def known_rule(name: str) -> Rule:
    """The rule of that name; an unknown name is a LynxError that says which is nearest."""
    if name not in RULES:
        raise LynxError(f"no noise rule `{name}`{nearest_hint(name, RULES)}")
    return RULES[name]


def looked_at(text: str) -> Text:
    """The text with its words and its language; always the same for the same text."""
    words = tuple(text.split())
    if not _LETTERS.search(text):
        return Text(text, words, NO_LANGUAGE, 0.0)
    ranked = _identifier().rank(text)
    return Text(text, words, str(ranked[0][0]), float(dict(ranked)["en"]))


@cache
def _identifier() -> Any:
    """Takes half a second to load; its model comes with the package."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
