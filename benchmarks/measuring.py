"""Times rivals side by side, in turns, and tells which targets were reached."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

PACKAGES = ("webdataset", "numpy", "pillow", "torch", "xxhash")

Times = dict[str, list[float]]  # seconds of CPU per item, one per round


@dataclass(frozen=True)
class Size:
    """How much a section measures."""

    rounds: int
    num_pictures: int  # different ones
    num_samples: int  # of a source that is read
    num_batches: int  # micro batches in a round
    num_draws: int
    num_shards: int  # of the synthetic source; 10,000 rows each


FULL = Size(7, 200, 4000, 10, 50_000, 12_000)
QUICK = Size(2, 8, 64, 1, 500, 20)


@dataclass
class Report:
    """Prints as it goes, and keeps what missed its target."""

    missed: list[str] = field(default_factory=list)

    def section(self, title: str) -> None:
        """Begin a section."""
        print(f"\n{title}", flush=True)

    def fact(self, text: str) -> None:
        """A figure without a target."""
        print(f"           {text}", flush=True)

    def check(self, text: str, *, target: str, reached: bool) -> None:
        """A figure with its target."""
        print(f"  {'reached' if reached else 'MISSED ':8} {text} (target: {target})", flush=True)
        if not reached:
            self.missed.append(text)


def in_turns(rivals: Mapping[str, Callable[[], int]], *, rounds: int) -> Times:
    """CPU time per item of each rival, round by round: what else the machine does hits all alike.

    A rival gives the number of its items. Time of the process, so that waiting doesn't count; a
    first round that fills caches is left out.
    """
    times: Times = {name: [] for name in rivals}
    for number in range(rounds + 1):
        for name, rival in rivals.items():
            began = time.process_time()
            items = rival()
            if number:
                times[name].append((time.process_time() - began) / items)
    return times


def ratio(times: Times, slow: str, fast: str) -> float:
    """How many times as long `slow` takes: the median of the rounds' ratios."""
    return median(a / b for a, b in zip(times[slow], times[fast], strict=True))


def microseconds(times: Times) -> str:
    """The medians, as text."""
    return ", ".join(f"{name} {median(values) * 1e6:.1f} us" for name, values in times.items())


def spread(values: Sequence[float]) -> str:
    """Median and range of seconds, in milliseconds."""
    low, middle, high = (1e3 * one for one in (min(values), median(values), max(values)))
    return f"{middle:.1f} ms ({low:.1f} to {high:.1f})"


def machine() -> str:
    """Processor, system and versions."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            names = [line.split(":", 1)[1].strip() for line in stream if "model name" in line]
        model = f"{names[0]}, {len(names)} cores"
    except (OSError, IndexError):  # another system says it elsewhere
        pass
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{model}; {system}; {', '.join(versions)}"
