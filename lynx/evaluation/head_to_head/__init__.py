"""Answers of several models against each other: who fights whom, who wins, what that is worth."""
