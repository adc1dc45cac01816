"""Measures the data layer beside webdataset and bare Pillow: `python -m benchmarks.data`.

Rivals take turns in one process; figures are medians of CPU time on one core, so that they hold on
a machine that does other things too. Inputs are made in a temporary folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.batches import batches, broken
from benchmarks.measuring import FULL, QUICK, Report, Size, machine
from benchmarks.reading import index, reads
from benchmarks.streams import packing, stream

SECTIONS: dict[str, Callable[[Path, Size, Report], None]] = {
    "reads": reads,
    "stream": stream,
    "batches": batches,
    "packing": packing,
    "index": index,
    "broken": broken,
}


def main(arguments: Sequence[str] | None = None) -> Report:
    """Run the sections asked for; gives what was reported."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="see that it runs; figures are rough")
    options = parser.parse_args(arguments)
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    torch.set_num_threads(1)  # figures are per core
    print(machine())
    report = Report()
    for name in options.sections or SECTIONS:
        section = SECTIONS[name]
        report.section(f"{name}: {(section.__doc__ or '').splitlines()[0]}")
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            section(Path(folder), QUICK if options.quick else FULL, report)
        report.fact(f"({time.monotonic() - began:.0f} s)")
    print(f"\n{len(report.missed)} targets missed" if report.missed else "\nall targets reached")
    return report


if __name__ == "__main__":
    main()
    sys.exit()
