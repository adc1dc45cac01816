"""Linear probes on the frozen vision encoder: what of a whole picture can be read at each size."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from transformers import Blip2VisionModel

from lynx.config.seeds import python_random, torch_seed
from lynx.training.backbones.views import ACTIONS, PLACES, View, show
from lynx.training.backbones.vision_encoder import encode, normalise
from lynx.world import vocabulary as words
from lynx.world.render import SIZE, Layout, draw_scene_with_layout
from lynx.world.scene import Scene, Split, draw_scene

NUM_TRAIN, NUM_TEST = 3000, 1000  # pictures
_STEPS, _BATCH, _LEARNING_RATE = 600, 250, 3e-3
_CHUNK = 100
NUM_CLASSES = {
    "color": len(words.COLORS),
    "shape": len(words.SHAPES),
    "place": len(PLACES),
    "time": len(words.TIMES),
    "action": len(ACTIONS),
    "word": len(words.SIGN_WORDS),
}


def probe(encoder: Blip2VisionModel, *, image_size: int) -> dict[str, float]:
    """Accuracy by attribute on pictures of unseen scenes, each shown whole at `image_size`.

    Colour and shape are read from the patch under the centre of a thing, place and time from CLS;
    action and word from whichever feature, CLS or patch, answers loudest, since their place varies.
    """
    train = _features(encoder, "train", NUM_TRAIN, image_size)
    test = _features(encoder, "evaluation", NUM_TEST, image_size)
    return {name: _fit(name, train[name], test[name]) for name in NUM_CLASSES}


Set = tuple[Tensor, Tensor]  # features (n, tokens, width), classes (n,)


def _fit(name: str, train: Set, test: Set) -> float:
    generator = torch.Generator().manual_seed(torch_seed(0, "probe", name))
    mean, deviation = train[0].mean((0, 1)), train[0].std((0, 1)) + 1e-6
    torch.manual_seed(torch_seed(0, "probe", name, "init"))
    head = nn.Linear(train[0].shape[-1], NUM_CLASSES[name])
    optimizer = torch.optim.AdamW(head.parameters(), lr=_LEARNING_RATE, weight_decay=0.05)
    for _ in range(_STEPS):
        rows = torch.randint(0, len(train[1]), (_BATCH,), generator=generator)
        logits = head((train[0][rows] - mean) / deviation).amax(1)
        functional.cross_entropy(logits, train[1][rows]).backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        chosen = head((test[0] - mean) / deviation).amax(1).argmax(-1)
    return (chosen == test[1]).float().mean().item()


@torch.no_grad()
def _features(
    encoder: Blip2VisionModel, split: Split, num_pictures: int, image_size: int
) -> dict[str, Set]:
    rng = python_random(0, "probe", split)
    view = View(0, 0, SIZE, image_size)
    found: dict[str, list[tuple[Tensor, int]]] = {name: [] for name in NUM_CLASSES}
    for _ in range(0, num_pictures, _CHUNK):
        drawn = [
            (scene := draw_scene(rng, split), *draw_scene_with_layout(scene, rng))
            for _ in range(_CHUNK)
        ]
        pixels = np.stack([show(picture, view) for _, picture, _ in drawn])
        features = encode(encoder, normalise(pixels))
        for (scene, _, layout), feature in zip(drawn, features, strict=True):
            _collect(scene, layout, view, feature, found)
    return {
        name: (torch.stack([f for f, _ in rows]), torch.tensor([c for _, c in rows]))
        for name, rows in found.items()
    }


def _collect(
    scene: Scene,
    layout: Layout,
    view: View,
    feature: Tensor,
    found: dict[str, list[tuple[Tensor, int]]],
) -> None:
    cls, patches = feature[:1], feature[1:]
    thing, (x, y, _) = scene.things[0], layout.things[0]
    patch = view.patch_of(x, y)
    assert patch is not None
    under = patches[patch : patch + 1]
    found["color"].append((under, words.COLORS.index(thing.color)))
    found["shape"].append((under, words.SHAPES.index(thing.shape)))
    found["place"].append((cls, PLACES.index(scene.place)))
    found["time"].append((cls, words.TIMES.index(scene.time)))
    found["action"].append((feature, ACTIONS.index(scene.action)))
    found["word"].append((feature, words.SIGN_WORDS.index(scene.word)))
