"""Readers of published datasets, one module per format.

Each has one function `read(root, *, source, skipped, **options)`: `root` is a downloaded copy, the
keyword arguments after `skipped` are the format's options (`options` of a source in
data_recipes/sources/), and it yields the source's `Sample`s in a fixed order. What can't be used is
left out and counted in `skipped`, by reason; a missing file or key is a LynxError that says what
was looked for and where it is had.
"""
