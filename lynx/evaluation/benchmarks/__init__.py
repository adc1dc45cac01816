"""Benchmarks in the form in which they are published: a module per form."""
