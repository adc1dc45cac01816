"""Named random streams: every random choice is a pure function of the run's seed and a name."""

import hashlib
import random

import numpy as np


def stream_key(seed: int, *names: object) -> int:
    """A 128-bit key for the stream `names` of `seed`; equal inputs give equal keys for ever."""
    text = "\x1f".join([str(int(seed)), *(str(name) for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def generator(seed: int, *names: object) -> np.random.Generator:
    """A fresh numpy generator (Philox) for the stream `names` of `seed`."""
    return np.random.Generator(np.random.Philox(key=stream_key(seed, *names)))


def torch_seed(seed: int, *names: object) -> int:
    """A 63-bit seed for torch generators, from the stream `names` of `seed`."""
    return stream_key(seed, *names) & (2**63 - 1)


def python_random(seed: int, *names: object) -> random.Random:
    """A fresh `random.Random` for the stream: many small draws cost a tenth of numpy's."""
    return random.Random(stream_key(seed, *names))
