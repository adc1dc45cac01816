"""The store of ratings: what was clicked stays, and only what the rules allow."""

from __future__ import annotations

import io
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from lynx.config.errors import LynxError
from lynx.evaluation.people.sheet import make_sheet
from lynx.evaluation.people.store import RatingStore, RefusedError, UnwritableError
from lynx.evaluation.people.tie_rules import TieRules
from tests.evaluation.people.sheets import click, make, make_questions, make_store, rate_all
from tests.fabricated import png


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people" / "owleval.sqlite"


def test_what_was_put_in_is_read_back_from_the_file_alone(path: Path) -> None:
    sheet = make(3, dialogue=(1, 2), silent={"theirs": ["1"]})
    store = make_store(path, sheet, max_ties=4)
    rate_all(store, "Ana", {"2": [1, 2, 3]})
    store.close()
    again = RatingStore(path)
    assert again.sheet == sheet
    assert again.rules == TieRules(max_ties=4)
    assert again.scores_of("Ana") == {"2": {"ours": 1, "theirs": 2, "third": 3}}
    assert again.id == store.id


def test_every_commit_is_asked_to_be_on_disk(path: Path) -> None:
    store = make_store(path)
    assert store._db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_scores_are_changed_and_cleared_and_the_clicks_remembered(path: Path) -> None:
    store = make_store(path)
    store.add_rater("Ana")
    for value in (3, 5, None, 2):
        store.rate("Ana", "1", "ours", value, click=click())
    assert store.scores_of("Ana") == {"1": {"ours": 2}}
    assert [row[0] for row in store._db.execute("SELECT value FROM click ORDER BY rowid")] == [
        3, 5, None, 2,
    ]  # fmt: skip


def test_a_click_that_is_sent_twice_counts_once_and_undoes_nothing(path: Path) -> None:
    store = make_store(path)
    store.add_rater("Ana")
    store.rate("Ana", "1", "ours", 3, click="first-click")
    store.rate("Ana", "1", "ours", 4, click="second-click")
    store.rate("Ana", "1", "ours", 3, click="first-click")
    assert store.scores_of("Ana") == {"1": {"ours": 4}}
    assert store.num_clicks() == 2


def test_a_third_equal_score_is_refused_and_changes_nothing(path: Path) -> None:
    store = make_store(path)
    store.add_rater("Ana")
    store.rate("Ana", "1", "ours", 3, click=click())
    store.rate("Ana", "1", "theirs", 3, click=click())
    store.rate("Ana", "1", "third", 4, click=click())
    with pytest.raises(RefusedError, match="at most 2"):
        store.rate("Ana", "1", "third", 3, click=click())
    assert store.scores_of("Ana")["1"] == {"ours": 3, "theirs": 3, "third": 4}
    assert store.num_clicks() == 3
    store.rate("Ana", "1", "theirs", 3, click=click())  # the score it has already is no new tie


def test_ties_are_counted_over_all_questions_of_one_rater(path: Path) -> None:
    store = make_store(path, max_ties=2)
    rate_all(store, "Ana", [[3, 3, 1], [2, 2, 1]])
    with pytest.raises(RefusedError, match="tie number 3"):
        rate_all(store, "Ana", {"3": [4, 4, 1]})
    rate_all(store, "Ben", {"3": [4, 4, 1]})  # another rater has ties of his own
    store.rate("Ana", "1", "ours", 5, click=click())  # one tie less
    rate_all(store, "Ana", {"3": [4, 4, 1]})


def test_raters_are_apart_and_a_name_in_other_letters_is_the_same_rater(path: Path) -> None:
    store = make_store(path)
    rate_all(store, "Ana", {"1": [1, 2, 3]})
    assert store.add_rater("  ana ") == "Ana"
    assert store.scores_of(store.add_rater("Ben")) == {}
    assert store.add_rater("Ölga") == "Ölga"
    assert store.add_rater("öLGA") == store.add_rater("O\u0308lga") == "Ölga"  # two ways to type it
    assert store.raters() == ["Ana", "Ben", "Ölga"]
    for name in ("", "  ", "x" * 41, "a\x00b"):
        with pytest.raises(LynxError, match="a rater's name has 1 to 40"):
            store.add_rater(name)


def test_scores_of_nobody_and_of_no_answer_are_refused(path: Path) -> None:
    store = make_store(path, make(2, silent={"theirs": ["1"]}))
    with pytest.raises(LynxError, match="nobody called Ana"):
        store.rate("Ana", "1", "ours", 3, click=click())
    store.add_rater("Ana")
    for question_id, model in (("1", "theirs"), ("9", "ours"), ("1", "nobody")):
        with pytest.raises(LynxError, match="no answer of"):
            store.rate("Ana", question_id, model, 3, click=click())


def test_rating_goes_on_with_the_same_sheet_whatever_the_order_of_the_models(path: Path) -> None:
    rate_all(make_store(path), "Ana", {"1": [1, 2, 3]})
    again = make_store(path, make(models=("third", "ours", "theirs")))
    assert again.scores_of("Ana") == {"1": {"ours": 1, "theirs": 2, "third": 3}}


def test_ratings_of_other_answers_are_never_mixed(path: Path) -> None:
    sheet = make()
    rate_all(make_store(path, sheet), "Ana", {"1": [1, 2, 3]})
    with pytest.raises(LynxError, match="models ours, theirs, third; now ours, theirs"):
        make_store(path, make(models=("ours", "theirs")))
    with pytest.raises(LynxError, match="rules: 2 equal, 10 ties"):
        make_store(path, sheet, max_ties=11)
    questions = make_questions()
    answers = {m: {q.id: f"answer of {m} to {q.id}" for q in questions} for m in sheet.models}
    answers["ours"]["3"] = "another answer"
    changed = make_sheet("owleval", questions, answers, sheet.origins)
    with pytest.raises(LynxError, match="question 3 or an answer to it has changed"):
        make_store(path, changed)
    assert RatingStore(path).scores_of("Ana") == {"1": {"ours": 1, "theirs": 2, "third": 3}}


def test_a_store_in_which_nobody_clicked_takes_another_sheet(path: Path) -> None:
    first = make_store(path)
    first.add_rater("Ana")
    second = make_store(path, make(models=("a", "b")))
    assert second.sheet.models == ("a", "b")
    assert second.id != first.id


def test_a_store_whose_making_was_cut_short_is_made_anew(path: Path) -> None:
    path.parent.mkdir()
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")  # writes the file's head, and no tables
    db.close()
    assert path.stat().st_size > 0
    assert make_store(path).sheet == make()


def test_another_file_is_left_as_it_is(tmp_path: Path) -> None:
    text, other = tmp_path / "text.sqlite", tmp_path / "other.sqlite"
    text.write_text("not a database, but long enough to be read as the head of one" * 20)
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE mine (x)")
    db.close()
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(LynxError, match="file of ratings"):
            make_store(path)
        assert path.read_bytes() == before
    with pytest.raises(LynxError, match="no ratings at"):
        RatingStore(tmp_path / "missing.sqlite")


def test_clicks_of_many_threads_and_of_a_second_process_all_count(path: Path) -> None:
    first = make_store(path, make(30))
    second = RatingStore(path)  # its own connection, as another process has
    names = [first.add_rater(name) for name in ("Ana", "Ben", "Cem", "Dee")]

    def work(store: RatingStore, rater: str) -> None:
        for item in store.sheet.items:
            store.rate(rater, item.id, "ours", 1 + int(item.id) % 5, click=click())

    threads = [
        threading.Thread(target=work, args=(store, name))
        for store, name in zip((first, second, first, second), names, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(RatingStore(path).scores()) == 4 * 30


def test_two_processes_cant_make_one_tie_too_many_between_them(path: Path) -> None:
    first = make_store(path)
    second = RatingStore(path)
    first.add_rater("Ana")
    first.rate("Ana", "1", "ours", 3, click=click())
    second.rate("Ana", "1", "theirs", 3, click=click())
    with pytest.raises(RefusedError):
        first.rate("Ana", "1", "third", 3, click=click())


def test_a_file_that_takes_nothing_says_so_and_keeps_what_it_had(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lynx.evaluation.people.store_file._SECONDS_TO_WAIT", 0.05)
    store = make_store(path)
    store.add_rater("Ana")
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnwritableError, match="can't be written: database is locked"):
        store.rate("Ana", "1", "ours", 3, click="the-click")
    blocker.execute("ROLLBACK")
    store.rate("Ana", "1", "ours", 3, click="the-click")
    assert store.scores_of("Ana") == {"1": {"ours": 3}}


def test_a_question_without_any_answer_is_left_out_and_one_model_is_too_few() -> None:
    sheet = make(3, silent={model: ["2"] for model in ("ours", "theirs", "third")})
    assert [item.id for item in sheet.items] == ["1", "3"]
    assert make(silent={"ours": ["1", "4"]}).unanswered("ours") == ["1", "4"]
    with pytest.raises(LynxError, match="1 model is too few"):
        make(models=("ours",))
    with pytest.raises(LynxError, match="runs/third answers none of the questions"):
        make(2, silent={"third": ["1", "2"]})


def test_models_with_the_same_words_get_one_score_that_is_no_tie(path: Path) -> None:
    sheet = make(2, models=("a", "b", "c", "d"))
    for model, text in (("a", "it  is red."), ("c", "it is red."), ("d", " it is red.\n")):
        sheet.items[0].answers[model] = text
    assert sheet.items[0].groups == (("a", "c", "d"), ("b",))
    store = make_store(path, sheet, max_ties=1)
    store.add_rater("Ana")
    store.rate("Ana", "1", "c", 4, click=click())
    assert store.scores_of("Ana") == {"1": {"a": 4, "c": 4, "d": 4}}
    assert store.num_ties_of("Ana") == 0
    store.rate("Ana", "1", "b", 4, click=click())  # a tie of two different answers
    assert store.num_ties_of("Ana") == 1
    store.rate("Ana", "1", "a", None, click=click())
    assert store.scores_of("Ana") == {"1": {"b": 4}}


def test_a_store_that_can_only_be_read_is_read_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(path)
    rate_all(store, "Ana", {"1": [1, 2, 3]})
    monkeypatch.setattr("os.access", lambda *_: False)  # as on a disk mounted to be read
    with pytest.raises(LynxError, match=r"newest ratings lie in owleval\.sqlite-wal"):
        RatingStore(path)
    store.close()
    names = sorted(one.name for one in path.parent.iterdir())
    held = RatingStore(path)
    assert held.scores_of("Ana") == {"1": {"ours": 1, "theirs": 2, "third": 3}}
    assert sorted(one.name for one in path.parent.iterdir()) == names == ["owleval.sqlite"]
    with pytest.raises(UnwritableError, match="can't be written"):
        held.check_writable()


def test_a_store_that_cannot_be_made_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LynxError, match=r"no file of ratings can be made at .*--store"):
        make_store(tmp_path / "file" / "owleval.sqlite")

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("lynx.evaluation.people.store_file._write_sheet", full)
    with pytest.raises(LynxError, match="can't be made: database or disk is full"):
        make_store(tmp_path / "owleval.sqlite")


def test_a_click_on_other_answers_than_the_file_now_holds_is_refused(path: Path) -> None:
    store = make_store(path)
    store.add_rater("Ana")
    make_store(path, make(models=("ours", "theirs"))).close()  # nobody has clicked yet
    with pytest.raises(LynxError, match="has been filled with other answers"):
        store.rate("Ana", "1", "ours", 3, click=click())
    assert RatingStore(path).num_clicks() == 0


def test_no_click_is_taken_where_the_file_is_gone(path: Path) -> None:
    store = make_store(path)
    store.add_rater("Ana")
    path.rename(path.with_name("moved.sqlite"))
    with pytest.raises(UnwritableError, match="no longer the file that was opened"):
        store.rate("Ana", "1", "ours", 3, click=click())
    path.with_name("moved.sqlite").rename(path)
    store.rate("Ana", "1", "ours", 3, click=click())
    assert store.num_clicks() == 1


def test_raters_of_a_video_see_all_of_its_frames() -> None:
    (question,) = make_questions(1)
    video = replace(question, kind="video", images=(png(1), png(2), png(3)))
    sheet = make_sheet("v", [video], {"a": {"1": "x"}, "b": {"1": "y"}}, {"a": "", "b": ""})
    one = Image.open(io.BytesIO(png(1)))
    shown = Image.open(io.BytesIO(sheet.pictures[video.picture]))
    assert shown.size == (3 * one.width + 2 * 4, one.height)
    colors = [shown.getpixel((k * (one.width + 4), 0)) for k in range(3)]
    assert len(set(colors)) == 3
