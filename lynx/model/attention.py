"""Attention of packed rows: each token reads what stands before it in its own document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, PreTrainedModel

from lynx.config.errors import LynxError

VARLEN = "varlen"  # hardware.attention, and the name that `transformers` knows it by
_KEY = f"hardware.attention: {VARLEN}"


class Documents(Protocol):
    """What is read of a batch; shapes in `lynx.data.batch.Batch`."""

    document_ids: Tensor
    document_bounds: Tensor
    longest_document: int


def document_attention(batch: Documents, *, attention: str, dtype: torch.dtype) -> dict[str, Any]:
    """What the language model is given so that documents don't see each other.

    `varlen` gets where documents begin; the others a mask (R, 1, T, T), which forces sdpa's slower
    kernels on a GPU. Padding counts as a document, so no row of the mask is empty. dtype: of the
    language model.
    """
    if attention == VARLEN:
        return {
            "attention_mask": None,
            "cu_seq_lens_q": batch.document_bounds,
            "max_length_q": batch.longest_document,
        }
    ids = batch.document_ids
    causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril()
    allowed = (ids[:, :, None] == ids[:, None, :]) & causal
    if attention != "eager":
        return {"attention_mask": allowed[:, None]}
    device = ids.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)  # a wider mask would widen every score tensor
    mask = torch.zeros(allowed.shape, dtype=dtype, device=ids.device)
    return {"attention_mask": mask.masked_fill(~allowed, torch.finfo(dtype).min)[:, None]}


def whole_row_attention(attention: str) -> Literal["eager", "sdpa"]:
    """What takes the place of `varlen` where rows aren't packed: pictures, and decoding."""
    return "eager" if attention == "eager" else "sdpa"


@contextmanager
def decoding_attention(language_model: PreTrainedModel) -> Iterator[None]:
    """Inside, the model attends as `whole_row_attention` says: `varlen` can't read a cache."""
    chosen = language_model.config._attn_implementation
    language_model.set_attn_implementation(whole_row_attention(chosen))
    try:
        yield
    finally:
        language_model.set_attn_implementation(chosen)


def check_attention(attention: str) -> None:
    """LynxError where this version of torch lacks what the attention needs."""
    if attention != VARLEN:
        return
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        parameters: Any = ()
    else:
        parameters = signature(varlen_attn).parameters
    if "enable_gqa" not in parameters:
        raise LynxError(
            f"{_KEY} needs torch 2.12 or newer (torch.nn.attention.varlen), and this is "
            f"{torch.__version__}; update it, or choose sdpa"
        )


def _varlen_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    dropout: float = 0.0,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int = 0,
    **_: Any,
) -> tuple[Tensor, None]:
    """`transformers`' attention function: (R, heads, T, head_dim) -> (R, T, heads, head_dim)."""
    if cu_seq_lens_q is None or attention_mask is not None:
        raise LynxError(f"{_KEY} attends within packed documents alone; choose sdpa")
    if dropout:
        raise LynxError(f"{_KEY} knows no attention_dropout ({dropout}); choose sdpa")
    rows, length = query.shape[0], query.shape[2]
    # Rotary embedding widens queries and keys where the residual stream is float32.
    q, k, v = (one.transpose(1, 2).flatten(0, 1).to(value.dtype) for one in (query, key, value))
    attend = _by_kernel if value.is_cuda else _one_by_one
    return attend(q, k, v, cu_seq_lens_q, max_length_q, scaling).unflatten(0, (rows, length)), None


def _by_kernel(
    q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, longest: int, scale: float
) -> Tensor:
    """Torch's own flash attention over (R * T, heads, head_dim), of any lengths in one call."""
    from torch.nn.attention.varlen import varlen_attn

    if v.dtype not in (torch.bfloat16, torch.float16):
        raise LynxError(f"{_KEY} computes in half precision, not in {v.dtype}; choose sdpa")
    attended = varlen_attn(
        q, k, v, bounds, bounds, longest, longest,
        scale=scale,
        window_size=(-1, 0),  # all that stands before, nothing behind
        enable_gqa=q.shape[1] != k.shape[1],
    )  # fmt: skip
    assert isinstance(attended, Tensor)
    return attended


def _one_by_one(
    q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, longest: int, scale: float
) -> Tensor:
    """The same, document by document: for the CPU, which has no such kernel."""
    lengths = bounds.diff().tolist()
    heads = (one.transpose(0, 1)[None] for one in (q, k, v))
    documents = zip(*(one.split(lengths, dim=2) for one in heads), strict=True)
    attended = [
        functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=scale, enable_gqa=True
        )
        for query, key, value in documents
    ]
    return torch.cat(attended, dim=2)[0].transpose(0, 1)


AttentionInterface.register(VARLEN, _varlen_forward)
