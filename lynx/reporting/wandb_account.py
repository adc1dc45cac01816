"""Asks W&B whose account is at hand."""

from __future__ import annotations

from lynx.config.errors import LynxError


def default_entity() -> str:
    """The account's own entity; raises LynxError where nobody is logged in or W&B is not reached.

    The key itself is never read here, nor printed.
    """
    import wandb

    try:
        entity = wandb.Api().default_entity
    except (wandb.errors.Error, ValueError, TypeError) as error:
        raise LynxError(
            f"W&B gave no account: {error}. Log in with `wandb login`, or see the workspace "
            "without an account with `lynx dashboard --print`"
        ) from error
    if not entity:
        raise LynxError("this W&B account has no default entity: name one with --entity")
    return str(entity)
