"""The card of the desk's backbones: how they were made and how good they are, as Markdown."""

from __future__ import annotations

from typing import Any

from lynx.training.backbones.gates import TEXT_GATE

_HEAD = """# The desk's backbones

Tiny models of the real architecture, made by `make backbones` from the suite's own world; no data
of others. Half precision. Every figure below was measured on these weights. The same seed gives
them again with the same number of threads (`OMP_NUM_THREADS`); another number rounds otherwise.

| part | architecture | trained on |
| --- | --- | --- |
| `llama` | `LlamaForCausalLM` | plain text about scenes: descriptions, questions and answers |
| `vicuna` | the same, tuned from `llama` | conversations about scenes described in text |
| `vision_encoder` | `Blip2VisionModel`, EVA-CLIP-g's shape | views at 56 px, then also at 112 px |
"""


def card(facts: dict[str, dict[str, Any]]) -> str:
    """The card's text; parts without figures are left out."""
    pieces = [_HEAD, "## Training\n", "| part | steps | seconds | seed | torch | threads |"]
    pieces.append("| --- | --- | --- | --- | --- | --- |")
    for part, one in facts.items():
        figures = [one.get(key, "") for key in ("num_steps", "seconds", "seed", "torch", "threads")]
        pieces.append(f"| `{part}` | " + " | ".join(str(figure) for figure in figures) + " |")
    pieces += ["", *_language(facts), "", *_vision(facts), ""]
    return "\n".join(pieces)


def _language(facts: dict[str, dict[str, Any]]) -> list[str]:
    parts = [part for part in ("llama", "vicuna") if "gate" in facts.get(part, {})]
    if not parts:
        return []
    lines = [f"## Questions about scenes described in text (gate: {TEXT_GATE:.0%} a class)", ""]
    lines.append("| class | " + " | ".join(f"`{part}`" for part in parts) + " |")
    lines.append("| --- " * (1 + len(parts)) + "|")
    for name in facts[parts[0]]["gate"]["classes"]:
        rows = [facts[part]["gate"]["classes"][name] for part in parts]
        cells = [f"{row['accuracy']:.1%} of {row['questions']}" for row in rows]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _vision(facts: dict[str, dict[str, Any]]) -> list[str]:
    gate = facts.get("vision_encoder", {}).get("gate")
    if gate is None:
        return []
    sizes = gate["accuracy"]
    lines = [f"## Linear probes of the vision encoder ({gate['pictures']} whole pictures)", ""]
    lines.append("| attribute | " + " | ".join(f"{size} px" for size in sizes) + " |")
    lines.append("| --- " * (1 + len(sizes)) + "|")
    for name in next(iter(sizes.values())):
        cells = [f"{values[name]:.1%}" for values in sizes.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines
