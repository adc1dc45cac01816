"""Tells harnesses, which look for entry points, where their adapters are."""

from __future__ import annotations

from typing import Any


def lmms_eval_manifest() -> Any:
    """For the entry point group `lmms_eval.models`."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(model_id="lynx", simple_class_path="lynx.export.lmms_eval.LynxForLmmsEval")
