"""Asks the benchmarks' questions, judges the answers and counts."""
