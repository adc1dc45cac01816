"""Ends a run when a scheduler or a person asks: what the signals are, and how a command ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lynx.config.errors import LynxError
from lynx.tracking.ranks import gathered, is_first_rank

# Of preemption, of torchrun and of `kill`; and the warning before a SLURM job's time is over.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
STOPPED_STATUS = 200  # above 128 + any signal: srun gives the highest status of its tasks


class StoppedError(LynxError):
    """A signal has ended the command between two steps or batches, and what was done is kept."""

    exit_status = STOPPED_STATUS


class StopSignals:
    """Remembers that a signal came, so that the processes can agree where to stop.

    The handler sets a flag and nothing else: a collective inside it would wait for the one that it
    interrupts. As a context manager it puts the handlers back that were there before.
    """

    def __init__(self) -> None:
        self.received = False
        self._previous: dict[signal.Signals, Any] = {}

    def listen(self) -> None:
        """Take the place of the present handlers."""
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._remember)

    def received_by_any(self) -> bool:
        """Whether any rank was told to stop; every rank must call it."""
        return any(gathered(self.received))

    def __enter__(self) -> StopSignals:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.received = True


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Where nobody listens, a signal ends the command at once, and its status says that it did.

    For what comes before, between and after the steps: nothing is lost there. A process that was
    forked meanwhile dies of the signal, as it would have.
    """
    own, previous = os.getpid(), {}

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() != own:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if is_first_rank():
            name = signal.Signals(number).name
            print(f"stopped by {name} between steps; go on with --resume", file=sys.stderr)
        raise SystemExit(STOPPED_STATUS)

    for number in SIGNALS:
        previous[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
