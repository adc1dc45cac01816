"""The rating page's server: blinded, closed to other sites, and safe to kill at any moment."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.people.store import RatingStore
from lynx.serving.rating.desk import RatingDesk
from lynx.serving.rating.server import RatingServer
from tests.evaluation.people.sheets import click, make, make_store, rate_all
from tests.fabricated import png
from tests.serving.rating_process import RatingProcess


@pytest.fixture
def store(tmp_path: Path) -> RatingStore:
    return make_store(tmp_path / "r.sqlite", make(5, dialogue=(2, 3, 4), silent={"third": ["2"]}))


@pytest.fixture
def server(store: RatingStore) -> Iterator[RatingProcess]:
    process = RatingProcess(store.path)
    yield process
    process.kill()


def begin(server: RatingProcess, name: str = "Ana") -> dict[str, Any]:
    status, state = server.post("/api/begin", {"name": name})
    assert status == 200
    return state  # type: ignore[no-any-return]


def score(
    server: RatingProcess, state: dict[str, Any], question: str, place: int, value: int | None,
    **changes: Any,
) -> tuple[int, Any]:  # fmt: skip
    body = {
        "rater": state["rater"], "store": state["store"], "question": question, "place": place,
        "value": value, "click": click(), **changes,
    }  # fmt: skip
    return server.post("/api/score", body)


def test_what_was_answered_survives_a_kill_between_any_two_clicks(
    server: RatingProcess, store: RatingStore
) -> None:
    state = begin(server)
    expected: dict[int, int] = {}
    port = server.port
    for place, value in ((0, 2), (1, 5), (2, 4), (0, 3)):
        assert score(server, state, "1", place, value)[0] == 200
        expected[place] = value
        server.kill()
        server = RatingProcess(store.path, port=port)
        _, shown = server.get("/api/question?rater=Ana&position=0")
        assert [one["score"] for one in shown["answers"]] == [expected.get(p) for p in range(3)]
    assert begin(server)["next"] == 1  # goes on at the first question that isn't rated
    assert begin(server)["num_done"] == 1
    server.kill()


def test_no_reply_tells_a_model_and_the_page_none_either(
    server: RatingProcess, store: RatingStore
) -> None:
    state = begin(server)
    replies = [state, *(server.get(f"/api/question?rater=Ana&position={p}")[1] for p in range(5))]
    replies.append(score(server, state, "1", 0, 3)[1])
    text = json.dumps(replies).replace("answer of ours", "").replace("answer of theirs", "")
    text = text.replace("answer of third", "")
    assert not [model for model in store.sheet.models if model in text]


def test_answers_stand_in_the_raters_own_order(server: RatingProcess) -> None:
    begin(server), begin(server, "Ben")

    def texts(rater: str) -> list[list[str]]:
        return [
            [
                one["text"]
                for one in server.get(f"/api/question?rater={rater}&position={p}")[1]["answers"]
            ]
            for p in range(5)
        ]

    assert texts("Ana") == texts("Ana") != texts("Ben")
    assert [sorted(one) for one in texts("Ana")] == [sorted(one) for one in texts("Ben")]
    assert len(texts("Ana")[1]) == 2  # where one model has no answer


def test_raters_see_nothing_of_each_other(server: RatingProcess) -> None:
    ana = begin(server)
    for place, value in enumerate((1, 2, 3)):
        score(server, ana, "1", place, value)
    ben = begin(server, "Ben")
    assert (ben["num_done"], ben["next"], ben["num_ties"], "Ana" in str(ben)) == (0, 0, 0, False)
    _, shown = server.get("/api/question?rater=Ben&position=0")
    assert [one["score"] for one in shown["answers"]] == [None] * 3


def test_a_turn_of_a_dialogue_comes_with_the_models_own_earlier_answers(
    server: RatingProcess,
) -> None:
    begin(server)
    _, shown = server.get("/api/question?rater=Ana&position=4")
    assert (shown["turn"], shown["num_turns"]) == (3, 3)
    for one in shown["answers"]:
        model = one["text"].split()[2]
        assert one["earlier"] == [
            [["what is 3?", f"answer of {model} to 3"], ["what is 4?", f"answer of {model} to 4"]]
        ]
    _, alone = server.get("/api/question?rater=Ana&position=0")
    assert (alone["turn"], alone["num_turns"], alone["answers"][0]["earlier"]) == (1, 1, [])


def test_the_rules_are_told_and_a_refused_click_changes_nothing(server: RatingProcess) -> None:
    state = begin(server)
    assert score(server, state, "1", 0, 3)[0] == 200
    assert score(server, state, "1", 1, 3)[1]["state"]["num_ties"] == 1
    status, reply = score(server, state, "1", 2, 3)
    assert status == 409 and "at most 2" in reply["error"]
    _, shown = server.get("/api/question?rater=Ana&position=0")
    assert [one["score"] for one in shown["answers"]] == [3, 3, None]
    assert score(server, state, "1", 1, None)[1]["question"]["answers"][1]["score"] is None


def test_a_click_sent_again_is_answered_again_and_counts_once(
    server: RatingProcess, store: RatingStore
) -> None:
    state = begin(server)
    for _ in range(2):
        assert score(server, state, "1", 0, 3, click="the-same-click")[0] == 200
    assert RatingStore(store.path).num_clicks() == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": 7}, "no score"),
        ({"value": "3"}, "'value' must be given, as int"),
        ({"value": True}, "'value' must be given"),
        ({"place": 3}, "no answer number 4"),
        ({"place": -1}, "no answer number 0"),
        ({"question": "99"}, "no question 99"),
        ({"rater": "Nobody"}, "nobody called Nobody"),
        ({"click": "x"}, "'click' must be"),
        ({"store": "of another page"}, "load it anew"),
    ],
)
def test_nonsense_is_refused_in_words(
    server: RatingProcess, changes: dict[str, Any], message: str
) -> None:
    status, reply = score(
        server, begin(server), **{"question": "1", "place": 0, "value": 3, **changes}
    )
    assert status in (400, 409) and message in reply["error"]


def test_other_sites_can_neither_write_nor_read(server: RatingProcess, store: RatingStore) -> None:
    state = begin(server)
    body = {"rater": "Ana", "store": state["store"], "question": "1", "place": 0, "value": 3}
    body["click"] = click()
    for headers in (
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{server.port + 1}"},  # another program of this machine
        {"Host": f"elsewhere.example:{server.port}"},  # a name that was given our address
        {"Host": f"127.0.0.1.elsewhere.example:{server.port}"},
    ):
        assert server.post("/api/score", body, **headers)[0] == 403
        assert server.get("/api/question?rater=Ana&position=0", **headers)[0] == 403
    assert server.post("/api/score", body, **{"Content-Type": "text/plain"})[0] == 415
    assert server.post("/api/score", {**body, "more": "x" * 9000})[0] == 413
    assert server.post("/api/score", [1])[0] == 400
    assert RatingStore(store.path).num_clicks() == 0
    own = {"Origin": f"http://localhost:{server.port}", "Host": f"localhost:{server.port}"}
    assert server.post("/api/score", body, **own)[0] == 200


def test_it_listens_on_this_machine_alone(server: RatingProcess) -> None:
    with urllib.request.urlopen(server.address + "/") as reply:
        assert b"<title>Rating" in reply.read()
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    address = socket.gethostbyname(socket.gethostname())
    if not address.startswith("127."):
        with pytest.raises(OSError):
            socket.create_connection((address, server.port), timeout=2)


def test_pictures_are_served_by_name_and_nothing_else_is(
    server: RatingProcess, store: RatingStore
) -> None:
    with urllib.request.urlopen(f"{server.address}/picture/{store.sheet.items[0].picture}") as got:
        assert got.read() == png(0)
        assert got.headers["Content-Type"] == "image/png"
    for path in ("/picture/../r.sqlite", "/picture/", "/r.sqlite", "/api/raters"):
        assert server.get(path)[0] == 404
    assert server.get("/api/question")[0] == 400
    assert server.get("/api/question?rater=Ana&position=5")[0] == 400


def test_a_full_disk_is_told_as_trouble_so_that_the_page_keeps_the_click(
    store: RatingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Thread

    desk = RatingDesk(store)
    with RatingServer(desk, port=0) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        helper = object.__new__(RatingProcess)
        helper.address = server.address
        state = begin(helper)
        store._db.execute("PRAGMA query_only = ON")
        status, reply = score(helper, state, "1", 0, 3)
        assert status == 503 and "can't be written" in reply["error"]
        store._db.execute("PRAGMA query_only = OFF")
        assert score(helper, state, "1", 0, 3)[0] == 200
        server.shutdown()


def test_a_taken_port_is_told_in_words(server: RatingProcess, store: RatingStore) -> None:
    with pytest.raises(LynxError, match=rf"port {server.port}: .*--port gives another"):
        RatingServer(RatingDesk(store), port=server.port)


def test_a_finished_rater_has_no_next_question(store: RatingStore) -> None:
    rate_all(store, "Ana", {str(q): [1, 2, 3] for q in (1, 3, 4, 5)})
    for model, value in (("ours", 1), ("theirs", 2)):
        store.rate("Ana", "2", model, value, click=click())
    state = RatingDesk(store).state("Ana")
    assert (state["next"], state["num_done"], state["left"]) == (None, 5, [0] * 5)


def test_models_that_say_the_same_are_one_answer_with_each_way_that_led_to_it(
    tmp_path: Path,
) -> None:
    sheet = make(5, dialogue=(2, 3, 4))
    for model in ("ours", "third"):
        sheet.items[4].answers[model] = "the same words"
        sheet.items[0].answers[model] = "the same words"
    desk = RatingDesk(make_store(tmp_path / "r.sqlite", sheet))
    state = desk.begin("Ana")
    assert state["left"] == [2, 3, 3, 3, 2]
    shown = desk.question("Ana", 4)["answers"]
    assert sorted(one["text"] for one in shown) == ["answer of theirs to 5", "the same words"]
    same = next(one for one in shown if one["text"] == "the same words")
    assert [turns[0][1] for turns in same["earlier"]] == [
        "answer of ours to 3",
        "answer of third to 3",
    ]
    reply = desk.score("Ana", "1", 0, 3, click=click(), store=state["store"])
    assert (reply["state"]["left"][0], reply["state"]["num_ties"]) == (1, 0)


def test_brackets_within_brackets_are_refused_in_words(server: RatingProcess) -> None:
    request = urllib.request.Request(
        server.address + "/api/begin", b"[" * 4000, {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError, match="400") as told:
        urllib.request.urlopen(request, timeout=60)
    assert json.loads(told.value.read()) == {"error": "a JSON mapping is wanted"}


def test_a_page_that_is_closed_while_it_is_answered_leaves_no_trace_in_the_terminal(
    store: RatingStore, capsys: pytest.CaptureFixture[str]
) -> None:
    with RatingServer(RatingDesk(store), port=0) as server:
        for error, is_told in ((ConnectionResetError(), False), (RuntimeError("a bug"), True)):
            try:
                raise error
            except Exception:
                server.handle_error(None, ("127.0.0.1", 1))
            assert bool(capsys.readouterr().err) is is_told
