"""Every knob of the suite, as frozen dataclasses that OmegaConf checks; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Optional

from omegaconf import MISSING

# Typed structured configs need typing.Optional/dict in forms OmegaConf can resolve at run time.
# ruff: noqa: UP045

STAGE_NAMES = ("pretrain", "resolution", "instruct")
JUDGE_RULES = ("rule:v1",)  # judges that need no server
# Instead of its own picture: another question's, a grey one, or no vision tokens at all.
VISIONS_WITHOUT = ("swapped", "blank", "text_only")
# Benchmarks of the miniature world: format and kind by name.
WORLD_BENCHMARKS = {
    "image": ("open_vqa", "image"),
    "video": ("open_vqa", "video"),
    "mme": ("mme", "image"),
    "owleval": ("owleval", "image"),
    "visit_bench": ("visit_bench", "image"),
}


@dataclass(frozen=True)
class ImageSizeVocabulary:
    """The two resolutions of a scale, in pixels (paper 2.2: 224 and 420)."""

    low: int = MISSING
    high: int = MISSING


@dataclass(frozen=True)
class LanguageModelVocabulary:
    """Where the two language models of a scale are: a folder, or a name on the Hub."""

    vicuna: str = MISSING
    llama: str = MISSING


@dataclass(frozen=True)
class RecipeVocabulary:
    """The recipes of the three stages, and the noisy pretraining mix (files in `data_recipes/`)."""

    pretrain: str = "pretrain"
    pretrain_noisy: str = "pretrain_noisy"
    resolution: str = "resolution"
    instruct: str = "instruct"


@dataclass(frozen=True)
class Vocabulary:
    """What a scale offers under names that ablations pick from (`${vocabulary.image_size.low}`)."""

    image_size: ImageSizeVocabulary = field(default_factory=ImageSizeVocabulary)
    language_model: LanguageModelVocabulary = field(default_factory=LanguageModelVocabulary)
    recipe: RecipeVocabulary = field(default_factory=RecipeVocabulary)


@dataclass(frozen=True)
class VisionEncoderConfig:
    """EVA-CLIP-g's shape (paper 2.1: CLS kept, no final norm), or any tower of `transformers`."""

    checkpoint: str = MISSING  # folder, or a name on the Hub
    patch_size: int = 14  # pixels
    feature_layer: int = -1  # output of this block, from the end; -2 is what is usual for CLIP
    drop_path_rate: float = 0.0
    image_mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)  # CLIP's
    image_std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class ResamplerConfig:
    """Perceiver resampler; keys and values come from the vision features only (paper 2.1)."""

    num_queries: int = 32  # = number of vision tokens the language model sees
    num_layers: int = 3
    num_heads: int = 8
    head_dim: int = 64
    feed_forward_multiplier: int = 4


@dataclass(frozen=True)
class AdapterConfig:
    """Bottleneck adapters on the output of layers 0, every_n_layers, ... (paper 2.1, M = 2)."""

    every_n_layers: int = 2
    bottleneck_divisor: int = 2  # bottleneck width = hidden size // this
    init: Literal["paper", "zero"] = "paper"  # normal(0, 0.02), or zero output at the start


@dataclass(frozen=True)
class LanguageModelConfig:
    """Any Llama-architecture model that `transformers` loads.

    Frozen in the paper; a stage trains it where its `trainable.language_model` says so.
    """

    checkpoint: str = MISSING  # folder, or a name on the Hub


@dataclass(frozen=True)
class ModelConfig:
    """The parts of Lynx (paper section 2.1)."""

    vision_encoder: VisionEncoderConfig = field(default_factory=VisionEncoderConfig)
    resampler: ResamplerConfig = field(default_factory=ResamplerConfig)
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    language_model: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    num_frames: int = 5  # frames of a video; each has a learned position
    frame_position_std: float = 0.02  # deviation of its initial values (release: 0.02)


@dataclass(frozen=True)
class DataConfig:
    """Where samples come from and how they become batches."""

    catalog: str = MISSING  # "world" (built on first use) or a YAML file: source -> shards
    cache_dir: str = "${oc.env:LYNX_CACHE,.cache/lynx}"
    pack_length: int = 512  # tokens of a packed row, vision tokens included
    # Of rows; first_fit keeps their order, none pads a row for each sample.
    packing: Literal["balanced", "first_fit", "none"] = "balanced"
    max_text_tokens: int = 256  # of one sample; longer dialogues lose their oldest rounds
    phrasings: Literal["plain", "all"] = "all"  # of prompt pools: those in few words, or all
    num_workers: int = 0
    locality: int = 0  # shards of a source that are in use at a time; 0: all, in any order
    shard_cache_gb: float = 200.0  # of shards that are behind a URL, below cache_dir/shards
    random_crop_scale: float = 0.9  # smallest area share of the training crop (release: 0.9)
    max_failures_per_source: float = 0.02  # share of unreadable rows beyond which the run stops


@dataclass(frozen=True)
class TrainableConfig:
    """Which parts a stage trains; the others are frozen (paper 2.2)."""

    vision_encoder: bool = False
    resampler: bool = True  # with the frame positions of videos
    adapters: bool = True
    language_model: bool = False


@dataclass(frozen=True)
class StageConfig:
    """One stage of training (Table 8)."""

    recipe: str = MISSING
    prompts: Literal["diverse", "single"] = "diverse"
    image_size: int = MISSING  # pixels
    steps: int = MISSING  # optimizer steps
    global_batch_size: int = MISSING  # samples per step, all devices
    micro_batch_size: int = MISSING  # samples per device and forward pass; accumulation is derived
    learning_rate: float = MISSING  # peak
    trainable: TrainableConfig = field(default_factory=TrainableConfig)


@dataclass(frozen=True)
class StagesConfig:
    """The three stages, chained in this order (paper 2.2, Table 8)."""

    pretrain: StageConfig = field(default_factory=StageConfig)
    resolution: StageConfig = field(default_factory=StageConfig)
    instruct: StageConfig = field(default_factory=StageConfig)


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW and its schedule (Table 8); the rows of the table that are ambiguous are knobs."""

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1.0e-8
    weight_decay: float = 0.01
    decay_norms_and_biases: bool = False
    warmup_ratio: float = 0.05  # of the stage's steps
    warmup_start_factor: float = 0.1  # Table 8 "warmup lr end" read as the start of the ramp
    final_factor: float = 0.0  # learning rate at the end, as a share of the peak
    gradient_clip: Optional[float] = None  # largest gradient norm; the paper states none


@dataclass(frozen=True)
class HardwareConfig:
    """Devices, precision and strategy."""

    accelerator: Literal["cpu", "gpu"] = "cpu"
    devices: int = 1  # per node
    num_nodes: int = 1
    threads: int = 0  # CPU threads per process; 0 leaves torch's default
    strategy: Literal["single", "ddp", "deepspeed"] = "single"
    zero_stage: Literal[1, 2, 3] = 2
    offload: bool = False
    precision: Literal["fp32", "bf16"] = "fp32"
    frozen_dtype: Literal["fp32", "bf16"] = "fp32"  # of parts that no stage trains
    gradient_checkpointing: bool = False
    # Of the language model; varlen: flash attention over the documents of packed rows. Pictures and
    # decoding take sdpa then.
    attention: Literal["eager", "sdpa", "varlen"] = "sdpa"


@dataclass(frozen=True)
class GenerationConfig:
    """One row of Table 9."""

    max_new_tokens: int = 64
    num_beams: int = 5
    top_p: float = 1.0
    top_k: int = 1
    length_penalty: float = -2.0
    no_repeat_ngram_size: int = 2
    do_sample: bool = False


@dataclass(frozen=True)
class BenchmarkConfig:
    """One benchmark: which questions, which decoding, whether a description comes first."""

    questions: str = MISSING  # "world:image", "world:video", "world:mme", ..., or a path
    format: Literal["open_vqa", "mme", "owleval", "visit_bench"] = "open_vqa"  # as published
    kind: Literal["image", "video"] = "image"
    generation: str = MISSING  # row of `evaluation.generation`
    prompt: str = "{question}"  # what the user says; {question} is replaced
    prompt_pool: Optional[str] = None  # instead: held-out phrasings of this pool, in turn
    plug_and_play: bool = False  # a description of the picture comes first, as round zero
    # Whose: the model's own, what it says about another question's picture, or a true caption.
    description_source: Literal["own", "another", "caption"] = "own"
    description_generation: str = "video_description"  # row for round zero
    description_prompt: str = "Describe the image in detail."
    multi_turn: bool = True  # later questions of a dialogue see the earlier ones with the answers
    padding: int = 0  # pixels of black at every side of a picture, before it is resized
    num_questions_per_class: int = 0  # 0: all


@dataclass(frozen=True)
class JudgeConfig:
    """Who decides whether an answer implies the ground truth (paper appendix B)."""

    name: str = "rule:v1"  # "rule:v1", or the name of a model behind an OpenAI-compatible server
    base_url: Optional[str] = None
    api_key_variable: str = "OPENAI_API_KEY"  # name of the environment variable
    temperature: float = 0.0
    max_retries: int = 6
    concurrency: int = 8
    timeout: float = 60.0  # seconds that a reply may take
    max_reply_tokens: int = 64
    repeats: int = 1  # how often each claim is judged; the first verdict counts, all show noise
    budget: Optional[float] = None  # USD; a request that could exceed it is not sent
    input_price: Optional[float] = None  # USD per million tokens
    output_price: Optional[float] = None


@dataclass(frozen=True)
class EvaluationConfig:
    """What is asked after training, and how answers are judged."""

    benchmarks: dict[str, BenchmarkConfig] = field(default_factory=dict)
    generation: dict[str, GenerationConfig] = field(default_factory=dict)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    ask_only: list[str] = field(default_factory=list)  # names of benchmarks; none: all
    # The same questions once more without their own picture: any of VISIONS_WITHOUT.
    without_vision: list[str] = field(default_factory=lambda: ["swapped"])
    batch_size: int = 32
    max_input_tokens: int = 512  # text tokens; the oldest are dropped


@dataclass(frozen=True)
class TrackingConfig:
    """Logging and checkpoints."""

    output_dir: str = "${oc.env:LYNX_RUNS,runs}"
    wandb_project: str = "lynx-lab"
    log_every_n_steps: int = 10
    checkpoint_every_n_steps: int = 100
    num_sample_pictures: int = 24  # in the W&B evaluation table


@dataclass(frozen=True)
class Config:
    """A variant, composed: schema <- scale <- experiment <- ablation <- key=value."""

    experiment: str = MISSING  # filled by compose
    ablation: Optional[str] = None
    scale: str = MISSING  # a file in experiments/scale/; filled by compose
    seed: int = 0
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    stages: StagesConfig = field(default_factory=StagesConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
