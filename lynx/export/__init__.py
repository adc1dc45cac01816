"""Hands a run over to other people's tools: a folder for `transformers`, adapters for harnesses."""
