"""Puts what was measured beside what the paper prints."""
