"""Starts runs on clusters, and looks at a machine before a run does."""
