"""Puts packages of the harnesses' shape in their place: what their adapters touch of them."""

from __future__ import annotations

import abc
import sys
import types
from dataclasses import dataclass
from typing import Any

import pytest


class Lmms(abc.ABC):
    """The abstract methods of `lmms_eval.api.model.lmms` (0.7.3), and what its runner sets."""

    def __init__(self) -> None:
        self.task_dict: dict[str, Any] = {}
        self.kept: list[Any] = []
        self.cache_hook = types.SimpleNamespace(add_partial=lambda *call: self.kept.append(call))

    @abc.abstractmethod
    def loglikelihood(self, requests: Any) -> Any: ...

    @abc.abstractmethod
    def generate_until(self, requests: Any) -> Any: ...

    @abc.abstractmethod
    def generate_until_multi_round(self, requests: Any) -> Any: ...


@dataclass(frozen=True)
class ModelManifest:
    """As in `lmms_eval.models.registry_v2`."""

    model_id: str
    simple_class_path: str | None = None


def install(patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Make both harnesses importable; gives VLMEvalKit's table of models."""
    models: dict[str, Any] = {}
    _module(patch, "lmms_eval.api.model", lmms=Lmms)
    _module(patch, "lmms_eval.models.registry_v2", ModelManifest=ModelManifest)
    _module(patch, "vlmeval.vlm.base", BaseModel=type("BaseModel", (), {}))
    _module(patch, "vlmeval.config", supported_VLM=models)
    return models


def _module(patch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        full = ".".join(parts[:length])
        if full not in sys.modules:
            patch.setitem(sys.modules, full, types.ModuleType(full))
    for key, value in content.items():
        setattr(sys.modules[name], key, value)
