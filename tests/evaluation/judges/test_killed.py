"""A judge whose process or whose server dies midway: no verdict is lost, none is paid twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.chat_server import Handler, Server, hung_up, running_server

_CLIENT = """
import sys
from pathlib import Path
from lynx.evaluation.judges.served import Request, ServedModel
served = ServedModel(model="gpt-4", base_url=sys.argv[1], api_key="k-12345", version="v",
                     cache_dir=Path(sys.argv[2]), concurrency=4, first_pause=0.01)
requests = [Request(({"role": "user", "content": f"q{i}"},)) for i in range(40)]
print(len([reply for reply in served.replies(requests) if reply.text == "Yes"]))
"""


def _client(server: Server, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _CLIENT, server.url, str(folder)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def test_after_kill_9_only_what_had_no_reply_is_asked_again(tmp_path: Path) -> None:
    """The server holds replies back from number 12 on, so that the kill is midway."""
    with running_server("Yes") as server:
        server.model = None

        def held_back(handler: Handler) -> bool:
            with server.lock:
                is_enough = sum(server.answered.values()) >= 12
            if is_enough:
                server.closing.wait(30)  # set when the client has been killed
                handler.close_connection = True
            return is_enough

        server.faults = [held_back] * 1000
        first = _client(server, tmp_path)
        deadline = time.monotonic() + 300
        # All those that may be asked at a time are waiting: every reply given has arrived.
        while not (server.num_answered >= 12 and server.at_once == 4):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
        first.wait()
        before = server.num_answered
        assert before < 40
        server.closing.set()
        server.faults = []
        second = _client(server, tmp_path)
        assert second.communicate(timeout=300)[0].split() == ["40"]
        assert server.num_answered == 40
        assert set(server.answered.values()) == {1}
        assert not [f for f in tmp_path.rglob("*.tmp") if f.stat().st_size]


def test_a_server_that_dies_midway_and_comes_back_is_asked_for_the_rest(tmp_path: Path) -> None:
    with running_server("Yes") as server:
        server.model = None
        server.faults = [*[lambda handler: False] * 15, *[hung_up] * 1000]
        first = _client(server, tmp_path)
        assert first.communicate(timeout=300)[0] == ""
        assert first.returncode != 0
        assert server.num_answered == 15
        server.faults = []
        second = _client(server, tmp_path)
        assert second.communicate(timeout=300)[0].split() == ["40"]
        assert set(server.answered.values()) == {1}


def test_two_processes_that_ask_the_same_pay_once(tmp_path: Path) -> None:
    with running_server("Yes") as server:
        server.model = None
        clients = [_client(server, tmp_path) for _ in range(2)]
        assert [client.communicate(timeout=300)[0].split() for client in clients] == [["40"]] * 2
        assert server.num_answered == 40
