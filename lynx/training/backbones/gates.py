"""The gates that backbones pass before Lynx is trained on them: what they know, class by class."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from transformers import Blip2VisionModel, LlamaForCausalLM, PreTrainedTokenizerFast

from lynx.training.backbones.language_model import answer_accuracy
from lynx.training.backbones.probes import NUM_TEST, probe
from lynx.world.corpus import Segment
from lynx.world.questions import IMAGE_CATEGORIES, VIDEO_CATEGORIES

TEXT_GATE = 0.9  # share of questions about scenes in words that each class must reach
IMAGE_SIZES = (56, 112)  # pixels: the desk's two resolutions
_NUM_DOCUMENTS = 640


def language_gate(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    document: Callable[[random.Random], list[Segment]],
) -> dict[str, Any]:
    """Accuracy and number of questions by class, on scenes described in text."""
    counts = answer_accuracy(model, tokenizer, document, num_documents=_NUM_DOCUMENTS)
    video = {f"video {name}": families for name, families in VIDEO_CATEGORIES.items()}
    classes = {}
    for name, families in {**IMAGE_CATEGORIES, **video}.items():
        right = sum(counts.get(family, (0, 0))[0] for family in families)
        asked = sum(counts.get(family, (0, 0))[1] for family in families)
        classes[name] = {"accuracy": right / asked, "questions": asked}
    by_family = {name: round(right / asked, 4) for name, (right, asked) in sorted(counts.items())}
    return {"classes": classes, "families": by_family}


def vision_gate(folder: Path) -> dict[str, Any]:
    """Accuracy of linear probes by attribute and image size, on pictures shown whole."""
    encoder = Blip2VisionModel.from_pretrained(folder).float().eval()
    sizes = {str(size): probe(encoder, image_size=size) for size in IMAGE_SIZES}
    return {"pictures": NUM_TEST, "accuracy": sizes}


def print_gates(facts: dict[str, dict[str, Any]], console: Console) -> None:
    """Two tables: text look-up of the language models, and the probes of the vision encoder."""
    language = [part for part in ("llama", "vicuna") if "gate" in facts.get(part, {})]
    if language:
        table = Table("class", *language, title=f"questions about text (gate {TEXT_GATE:.0%})")
        for name in facts[language[0]]["gate"]["classes"]:
            rows = [facts[part]["gate"]["classes"][name] for part in language]
            table.add_row(name, *(_cell(row) for row in rows))
        console.print(table)
    if "gate" in facts.get("vision_encoder", {}):
        sizes = facts["vision_encoder"]["gate"]["accuracy"]
        table = Table("linear probe", *(f"{size} px" for size in sizes), title="vision encoder")
        for name in next(iter(sizes.values())):
            table.add_row(name, *(f"{values[name]:.1%}" for values in sizes.values()))
        console.print(table)


def _cell(row: dict[str, Any]) -> str:
    mark = "" if row["accuracy"] >= TEXT_GATE else "  BELOW THE GATE"
    return f"{row['accuracy']:.1%} of {row['questions']}{mark}"
