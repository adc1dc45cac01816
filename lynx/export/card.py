"""The card of an exported model: what it is, how to use it, what was measured."""

from __future__ import annotations

from lynx.config.schema import STAGE_NAMES, Config
from lynx.evaluation.results import ResultFiles
from lynx.evaluation.scores import Scores
from lynx.reporting.records import read_record
from lynx.tracking.run_dir import RunDir

_USE = """```python
from transformers import AutoModel, AutoProcessor
from PIL import Image

model = AutoModel.from_pretrained("{name}", trust_remote_code=True, dtype="auto").eval()
processor = AutoProcessor.from_pretrained("{name}", trust_remote_code=True)
inputs = processor("What is in the picture?", vision=Image.open("picture.jpg"))
print(processor.batch_decode(model.generate(**inputs, num_beams=5, do_sample=False)))
```

A video is a list of at most {num_frames} frames. A dialogue is a list of turns, the last without
an answer: `processor([("what is it?", "a cat"), ("what color?", None)], vision=picture)`. Text is
lower-cased and put into the template of training, `user: ...` and `bot:`. `generate` takes the
columns of Table 9: {settings}."""


def model_card(run_dir: RunDir, config: Config, *, name: str) -> str:
    """Markdown with the front matter that the Hub reads. name: of the folder."""
    parts = [
        _front_matter(config),
        f"# {name}\n",
        f"A Lynx of the {config.scale} scale: a vision encoder, a resampler with "
        f"{config.model.resampler.num_queries} vision tokens, and a language model with bottleneck "
        "adapters, as in *What Matters in Training a GPT4-Style Language Model with Multimodal "
        "Inputs?* (NAACL 2024).\n",
        "## Use\n",
        _USE.format(
            name=name,
            num_frames=config.model.num_frames,
            settings=", ".join(f"`{key}`" for key in vars(config.evaluation.generation["demo"])),
        ),
        "\n## Training\n",
        _origin(run_dir, config),
        "\n## Measured\n",
        _scores(run_dir, config),
        "\n## Licence and limits\n",
        f"The weights contain those of `{config.model.vision_encoder.checkpoint}` and "
        f"`{config.model.language_model.checkpoint}`; their licences hold for them, and those of "
        "the datasets for what was learnt from them. It was not trained to refuse anything, and it "
        "says what is not in the picture as fluently as what is.\n",
    ]
    return "\n".join(parts)


def _front_matter(config: Config) -> str:
    variant = config.ablation or config.experiment
    lines = ["library_name: transformers", "pipeline_tag: image-text-to-text"]
    lines += ["tags:", "- lynx", "- multimodal", f"- {variant}"]
    return "\n".join(["---", *lines, "---\n"])


def _origin(run_dir: RunDir, config: Config) -> str:
    """How the weights came about: imported, or trained in the stages of the configuration."""
    record = read_record(run_dir.stage_record_path(STAGE_NAMES[-1])) or {}
    imported = record.get("imported")
    if imported is None:
        return f"By Lynx Lab; these are not the authors' weights. {_training(config)}"
    return (
        f"Not by Lynx Lab: imported from the release's format, file `{imported['file']}`, sha256 "
        f"`{imported['sha256']}`.\n"
    )


def _training(config: Config) -> str:
    rows = ["| stage | recipe | pictures | steps | samples a step | trained |", "| --- " * 6 + "|"]
    for name in STAGE_NAMES:
        stage = getattr(config.stages, name)
        trained = ", ".join(
            part for part, is_trained in vars(stage.trainable).items() if is_trained
        )
        rows.append(
            f"| {name} | {stage.recipe} ({stage.prompts} prompts) | {stage.image_size} px "
            f"| {stage.steps} | {stage.global_batch_size} | {trained} |"
        )
    of = f"Variant `{config.ablation or config.experiment}`, seed {config.seed}."
    return "\n".join([of, "", *rows]) + "\n"


def _scores(run_dir: RunDir, config: Config) -> str:
    rows = []
    for name in config.evaluation.benchmarks:
        content = ResultFiles(run_dir.eval_dir(name)).scores()
        if content is None:
            continue
        scores = Scores.from_json(content)
        one = scores.overall
        if one is None:  # compared across runs alone
            continue
        share = one.without_vision.get("swapped")
        swapped = "-" if share is None else f"{100 * share:.1f}"
        rows.append(
            f"| {name} | {100 * one.accuracy:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}] "
            f"| {swapped} | {100 * one.majority:.1f} | {one.n} | {scores.judge} |"
        )
    if not rows:
        return "Nothing: this run has not been evaluated.\n"
    head = "| benchmark | right, % [95 %] | swapped pictures | most frequent answer | n | judge |"
    return "\n".join([head, "| --- " * 6 + "|", *rows]) + "\n"
