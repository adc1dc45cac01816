"""Measures what the suite promises; each module is run with `python -m benchmarks.NAME`."""
