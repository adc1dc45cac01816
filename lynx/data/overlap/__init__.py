"""Overlap: training rows whose picture is also a picture of a benchmark.

Found by the id in the sample's key (`ids.py`), and by a hash of what the picture looks like
(`picture_hash.py`); `check.py` looks through sources, `report.py` says what was found.
"""
