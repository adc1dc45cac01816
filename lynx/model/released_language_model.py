"""Tells whether the language model in a released checkpoint is the variant's own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from lynx.model.language_model import KEY, load_language_model
from lynx.model.parts import part_of
from lynx.model.pretrained import shape_of

_PART = "language_model"
_BY_TOKEN = ("embed_tokens.weight", "lm_head.weight")


def other_tensors(tensors: Mapping[str, Tensor], checkpoint: str) -> list[str]:
    """Names of the language model's tensors among `tensors` that `checkpoint` holds otherwise.

    Compared at the file's precision: released files may be rounded to half. Rows of tokens that
    the vocabulary lacks ([PAD]) are means over it and need only be close.
    """
    own = {name: tensor for name, tensor in tensors.items() if part_of(name) == _PART}
    if not own:
        return []
    dtype = next(iter(own.values())).dtype
    for tensor in own.values():
        dtype = torch.promote_types(dtype, tensor.dtype)
    vocabulary = int(shape_of(checkpoint, key=KEY)["vocab_size"])
    loaded = load_language_model(checkpoint, dtype=dtype, attention="eager").state_dict()
    return [
        name
        for name, tensor in own.items()
        if not _is_same(
            tensor,
            loaded[name.removeprefix(f"{_PART}.")].to(tensor.dtype),
            num_exact=vocabulary if name.endswith(_BY_TOKEN) else len(tensor),
        )
    ]


def _is_same(tensor: Tensor, loaded: Tensor, *, num_exact: int) -> bool:
    """num_exact: first rows that have to be equal bit by bit."""
    exact, close = slice(None, num_exact), slice(num_exact, None)
    return torch.equal(tensor[exact], loaded[exact]) and torch.allclose(
        tensor[close].float(), loaded[close].float(), rtol=1e-2, atol=1e-5
    )
