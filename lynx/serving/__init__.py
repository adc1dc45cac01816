"""Talking to a trained model: from Python, in a terminal, on a page."""
