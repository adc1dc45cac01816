"""`lynx rate` as it is typed: what it tells, and what it keeps from those who rate."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lynx.cli.rate import rate
from lynx.config.errors import LynxError
from lynx.serving.rating.server import RatingServer
from tests.evaluation.people.sheets import make_store, rate_all

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(rate)


def typed(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, LynxError):
        raise AssertionError(result.output) from result.exception
    return f"error: {result.exception}" if result.exception else result.output


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Words that serve a store in which Ana has rated one question of four, until "Ctrl+C"."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RatingServer, "serve_forever", interrupted)
    store = make_store(tmp_path / "r.sqlite")
    rate_all(store, "Ana", {"1": [1, 2, 3]})
    store.close()
    return ["--store", str(store.path), "--port", "0"]


def test_who_goes_on_rating_is_not_told_the_scores(served: list[str], tmp_path: Path) -> None:
    output = typed(*served)
    assert "page: http://127.0.0.1:" in output
    assert "rater Ana: 1 of 4 questions, ties: 0" in output and "--summary" in output
    assert not any(word in output for word in ("ours", "theirs", "mean score", "win/all"))
    assert "theirs" in typed(*served, "--summary")
    store = make_store(tmp_path / "r.sqlite")
    rate_all(store, "Ana", {number: [1, 2, 3] for number in ("2", "3", "4")})
    store.close()
    assert "mean score" in typed(*served)  # all is done


def test_a_store_that_takes_no_clicks_is_told_before_anyone_rates(
    served: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda _, mode: mode != os.W_OK)
    assert "1 of 4 questions" in typed(*served, "--summary")
    assert "can't be written" in typed(*served)


def test_places_that_are_none_are_told_in_words(served: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    output = typed(*served, "--export", str(tmp_path / "file" / "ratings"))
    assert output.startswith("error: --export") and "can't be written" in output
    assert "/ is no run's folder" in typed("/", "/")
