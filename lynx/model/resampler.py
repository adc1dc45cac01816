"""The Perceiver resampler: a fixed number of vision tokens from any number of features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class FrameLayout:
    """Which frames belong to which picture or video; puts per-frame tensors into rows of a batch.

    Everything goes through one call, images and videos together: calls that differ between ranks
    would hang ZeRO-3 and mix up gradients under ZeRO-2.
    """

    def __init__(self, num_frames: Tensor, device: torch.device | None = None) -> None:
        """num_frames (V,) int64: frames of each visual sample, in the order of the frames.

        Counted on the CPU, where `num_frames` should be: a GPU would have to end all it does
        before the shapes were known. device: of the frames; by default that of `num_frames`.
        """
        device, num_frames = device or num_frames.device, num_frames.cpu()
        slots = torch.arange(int(num_frames.max()))
        used = slots < num_frames[:, None]
        self.is_ragged = not bool(used.all())
        index_in_sample = slots.expand_as(used)[used]
        is_video = (num_frames > 1).repeat_interleave(num_frames)
        places = used.flatten().nonzero().flatten()
        self.used, self.index_in_sample, self.is_video, self._places = (
            one.to(device, non_blocking=True) for one in (used, index_in_sample, is_video, places)
        )  # (V, longest), (F,), (F,), (F,)

    def rows(self, per_frame: Tensor) -> Tensor:
        """(F, N, d) -> (V, longest * N, d), zeros where a sample has fewer frames."""
        samples, longest = self.used.shape
        tokens, width = per_frame.shape[1:]
        if not self.is_ragged:
            return per_frame.reshape(samples, longest * tokens, width)
        padded = per_frame.new_zeros(samples * longest, tokens, width)
        return padded.index_copy(0, self._places, per_frame).view(samples, -1, width)

    def attention_mask(self, tokens: int, dtype: torch.dtype) -> Tensor | None:
        """Additive mask (V, 1, 1, longest * tokens), or None where all samples are alike."""
        if not self.is_ragged:
            return None
        hidden = ~self.used.repeat_interleave(tokens, dim=1)[:, None, None]
        return torch.zeros(hidden.shape, dtype=dtype, device=hidden.device).masked_fill(
            hidden, torch.finfo(dtype).min
        )


class CrossAttention(nn.Module):
    """Queries attend to vision features; keys and values come from the features alone."""

    def __init__(self, *, width: int, feature_width: int, num_heads: int, head_dim: int) -> None:
        super().__init__()
        inner = num_heads * head_dim
        self.num_heads, self.scale = num_heads, head_dim**-0.5
        self.norm_features = nn.LayerNorm(feature_width)
        self.norm_queries = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(feature_width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)

    def forward(self, queries: Tensor, features: Tensor, layout: FrameLayout) -> Tensor:
        """queries (V, Q, width), features (F, N, feature_width) -> (V, Q, width)."""
        q = self._heads(self.to_q(self.norm_queries(queries)) * self.scale)
        k, v = layout.rows(self.to_kv(self.norm_features(features))).chunk(2, dim=-1)
        scores = q @ self._heads(k).transpose(2, 3)
        mask = layout.attention_mask(features.shape[1], scores.dtype)
        if mask is not None:
            scores = scores + mask
        weights = scores.softmax(dim=-1, dtype=torch.float32).to(v.dtype)
        return self.to_out((weights @ self._heads(v)).transpose(1, 2).flatten(2))

    def _heads(self, tensor: Tensor) -> Tensor:
        return tensor.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """LayerNorm, up, GELU, down; no biases."""

    def __init__(self, *, width: int, multiplier: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, multiplier * width, bias=False)
        self.down = nn.Linear(multiplier * width, width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        return self.down(functional.gelu(self.up(self.norm(hidden))))


class ResamplerLayer(nn.Module):
    """Cross attention and feed-forward, each with a residual; no self-attention among queries."""

    def __init__(
        self, *, width: int, feature_width: int, num_heads: int, head_dim: int, multiplier: int
    ) -> None:
        super().__init__()
        self.attention = CrossAttention(
            width=width, feature_width=feature_width, num_heads=num_heads, head_dim=head_dim
        )
        self.feed_forward = FeedForward(width=width, multiplier=multiplier)

    def forward(self, queries: Tensor, features: Tensor, layout: FrameLayout) -> Tensor:
        """(V, Q, width) -> (V, Q, width)."""
        queries = queries + self.attention(queries, features, layout)
        return queries + self.feed_forward(queries)


class Resampler(nn.Module):
    """Learned queries that read vision features (paper 2.1; sizes of the release are the defaults).

    Weights start as the authors': queries standard normal, linear layers torch's default.
    """

    def __init__(
        self,
        *,
        width: int,
        feature_width: int,
        num_queries: int = 32,
        num_layers: int = 3,
        num_heads: int = 8,
        head_dim: int = 64,
        feed_forward_multiplier: int = 4,
    ) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(num_queries, width))
        self.layers = nn.ModuleList(
            ResamplerLayer(
                width=width,
                feature_width=feature_width,
                num_heads=num_heads,
                head_dim=head_dim,
                multiplier=feed_forward_multiplier,
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(width)

    @property
    def num_queries(self) -> int:
        """Vision tokens per picture or video."""
        return self.queries.shape[0]

    def forward(self, features: Tensor, layout: FrameLayout) -> Tensor:
        """Features (F, N, feature_width) of all frames -> vision tokens (V, num_queries, width)."""
        queries = self.queries.expand(layout.used.shape[0], -1, -1)
        for layer in self.layers:
            queries = layer(queries, features, layout)
        return self.norm(queries)
