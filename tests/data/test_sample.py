"""What a sample promises: it is a value, and damage to one is an error that people can read."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from lynx.config.errors import LynxError
from lynx.data.sample import Round, Sample, UnreadableSampleError


def make() -> Sample:
    return Sample("a", "jokes", "text", (Round({"question": "why?"}, "because"),), ())


def test_samples_with_the_same_content_are_equal() -> None:
    assert make() == make()


def test_a_sample_can_not_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        make().key = "b"  # type: ignore[misc]


def test_a_damaged_sample_is_an_error_for_people() -> None:
    assert issubclass(UnreadableSampleError, LynxError)
