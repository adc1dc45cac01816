"""The one exception that a person is meant to read: what, where, and what would be right."""


class LynxError(ValueError):
    """A mistake in input; the command line prints its message without a traceback."""

    exit_status = 2  # of the command
