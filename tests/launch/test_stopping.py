"""Tests of what signals do where no step is in progress, and of who tells of the end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lynx import cli
from lynx.evaluation.run import evaluate
from lynx.model.language_model import load_tokenizer
from lynx.tracking.stopping import (
    SIGNALS,
    STOPPED_STATUS,
    StoppedError,
    StopSignals,
    ended_by_signals,
)
from tests.color_run import ColorModel, configured, trained


@pytest.mark.parametrize("number", SIGNALS)
def test_between_steps_a_signal_ends_the_command_with_the_status_that_requeues(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [signal.getsignal(one) for one in SIGNALS]
    with pytest.raises(SystemExit) as ended, ended_by_signals():
        signal.raise_signal(number)
    assert ended.value.code == STOPPED_STATUS > 128 + signal.SIGRTMAX
    assert f"stopped by {number.name} between steps" in capsys.readouterr().err
    assert [signal.getsignal(one) for one in SIGNALS] == before


def test_who_listens_is_not_ended_and_hands_the_handlers_back() -> None:
    with ended_by_signals():
        outer = [signal.getsignal(one) for one in SIGNALS]
        with StopSignals() as signals:
            assert not signals.received_by_any()
            signal.raise_signal(signal.SIGUSR1)
            assert signals.received_by_any()
        assert [signal.getsignal(one) for one in SIGNALS] == outer


class SignalledModel(ColorModel):
    """Is told to stop while it answers."""

    def generate(self, **arguments: object) -> list[list[int]]:
        if len(self.calls) == 1:
            signal.raise_signal(signal.SIGTERM)
        return super().generate(**arguments)  # type: ignore[arg-type]


def test_a_signal_ends_an_evaluation_after_the_batch_and_no_answer_is_lost(tmp_path: Path) -> None:
    config = configured(tmp_path)  # nine questions in batches of two
    run_dir = trained(config, "lynx")
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    model = SignalledModel(tokenizer)
    with pytest.raises(StoppedError, match="colors: after 4 of 9 questions; go on with --resume"):
        evaluate(run_dir, config, model=model, tokenizer=tokenizer, without_vision=())
    rest = ColorModel(tokenizer)
    evaluate(run_dir, config, model=rest, tokenizer=tokenizer, without_vision=(), resume=True)
    assert sum(len(call["texts"]) for call in rest.calls) == 5


def test_a_signal_to_the_whole_group_leaves_the_data_workers_alive() -> None:
    code = """
import os, signal, torch
from torch.utils.data import DataLoader
from lynx.data.module import _leave_process_group
signal.signal(signal.SIGTERM, lambda *_: None)
loader = DataLoader(range(100), batch_size=None, num_workers=1, worker_init_fn=_leave_process_group)
numbers = []
for number in loader:
    numbers.append(int(number))
    if number == 10:
        os.killpg(os.getpgid(0), signal.SIGTERM)
assert numbers == list(range(100))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, start_new_session=True)


@pytest.mark.parametrize(("rank", "is_told"), [("0", True), ("5", False)])
def test_one_rank_tells_that_all_were_stopped(
    rank: str,
    is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stopped() -> None:
        raise StoppedError("stage pretrain was stopped")

    monkeypatch.setattr(cli, "app", stopped)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setenv("SLURM_PROCID", rank)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == STOPPED_STATUS
    assert ("stage pretrain was stopped" in capsys.readouterr().err) == is_told
