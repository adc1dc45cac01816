"""Tables from fabricated run folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.evaluation.compare import Paired
from lynx.evaluation.statistics import Difference, Interval
from lynx.reporting.tables import TABLES, ablation_report, table
from lynx.reporting.text import WIDTH
from lynx.reporting.verdict import is_decided, verdict
from lynx.tracking.manifest import write_manifest
from lynx.tracking.run_dir import RunDir
from tests.fabricated import below, cells, write_run, write_stages, write_weights


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_run(tmp_path, variant="lynx", image=below(32), video=below(28))
    write_run(tmp_path, variant="llama_backbone", image=below(26), video=below(28))
    write_run(
        tmp_path, variant="low_resolution", video=below(36),
        image=lambda category, number: number < (8 if category == "OCR" else 32),
    )  # fmt: skip
    return tmp_path


def test_table_5_puts_the_paper_beside_what_was_measured(runs: Path) -> None:
    text = table(5, scale="desk", output_dir=runs)
    assert "judge: rule:v1 (a string rule, not a language model; the paper: GPT-4)" in text
    assert "image: n = 320; video: n = 80" in text
    assert cells(text, "Ours ")[:4] == ["76.16", "80.0", "[75.3,", "84.0]"]
    assert cells(text, "w/ LLaMA")[:2] == ["70.86", "65.0"]
    assert cells(text, "w/ LLaMA")[-3:] == ["42/82", "-", "0"]
    assert cells(text, "w/ large-scale noisy data")[-2:] == ["not", "run"]
    assert cells(text, "Ours, swapped pictures")[:4] == ["-", "20.0", "-", "20.0"]
    assert cells(text, "most frequent answer")[:4] == ["-", "100.0", "-", "100.0"]


def test_table_5_compares_directions_with_the_paper(runs: Path) -> None:
    differences = table(5, scale="desk", output_dir=runs).split("difference to Ours")[1]
    assert cells(differences, "w/ LLaMA, image") == [
        "-5.30", "-15.0", "[-18.9,", "-10.9]", "agrees", "(1", "seed)",
    ]  # fmt: skip
    assert cells(differences, "w/ LLaMA, video") == [
        "-5.41", "+0.0", "[-3.4,", "+3.4]", "undecided*",
    ]  # fmt: skip
    assert cells(differences, "w/o high-resolution, video")[-3:] == ["opposite*", "(1", "seed)"]
    assert cells(differences, "w/o diverse prompts, video") == ["-6.76", "-", "-"]


def test_table_7_finds_the_effect_in_its_category(runs: Path) -> None:
    text = table(7, scale="desk", output_dir=runs)
    block = text.split("w/o high-resolution (seeds: 0), verdicts (1 seed)")[1]
    assert cells(block, " paper ")[:3] == ["30/53", "20/37", "26/31"]
    assert cells(block, " measured")[:2] == ["20.0", "80.0"]
    assert cells(block, " paper diff")[0] == "-11.3"
    assert cells(block, " verdict")[:2] == ["agrees", "undecided"]
    assert cells(block, " swapped") == ["20.0"] * 9
    assert text.split("w/o diverse prompts (")[1].startswith("not run)")


def test_seeds_are_pooled_and_can_be_chosen(runs: Path) -> None:
    write_run(runs, variant="lynx", seed=1, image=below(16), video=below(28))
    both = table(5, scale="desk", output_dir=runs)
    assert cells(both, "Ours ")[1] == "60.0"
    assert cells(both, "Ours ")[-1] == "0,1"
    only = table(5, scale="desk", output_dir=runs, seeds=[1])
    assert cells(only, "Ours ")[1] == "40.0"
    assert cells(only, "w/ LLaMA")[-2:] == ["not", "run"]


def test_a_difference_says_which_seeds_it_rests_on_where_a_share_has_more(runs: Path) -> None:
    for seed in (1, 2):
        write_run(runs, variant="lynx", seed=seed, image=below(16), video=below(28))
    write_run(runs, variant="noisy_data", seed=3, image=below(16), video=below(28))
    five, seven = (table(n, scale="desk", output_dir=runs) for n in (5, 7))
    assert cells(five, "Ours ")[-1] == "0,1,2"
    assert cells(five, "w/ LLaMA, image (seeds 0)")[:2] == ["-5.30", "-15.0"]
    assert cells(five, "w/ large-scale noisy data, image (no common seed)")[1:] == ["-", "-"]
    assert "w/ LLaMA (seeds: 0), difference (seeds 0), verdicts (1 seed)\n" in seven
    assert "(seeds 0)" not in table(5, scale="desk", output_dir=runs, seeds=[0])


def test_several_seeds_decide_only_when_they_agree_among_themselves(tmp_path: Path) -> None:
    for seed, image, video in ((0, 20, 20), (1, 20, 18), (2, 20, 26)):
        write_run(tmp_path, variant="lynx", seed=seed, image=below(30), video=below(28))
        write_run(
            tmp_path, variant="llama_backbone", seed=seed, image=below(image), video=below(video)
        )
    text = table(5, scale="desk", output_dir=tmp_path)
    differences = text.split("difference to Ours")[1]
    assert cells(differences, "w/ LLaMA, image")[-3:] == ["[-25.0,", "-25.0]", "agrees"]
    video = cells(differences, "w/ LLaMA, video")
    assert float(video[3].strip("]")) < 0 < float(video[5].strip("]"))
    assert video[-1] == "undecided*"
    block = table(7, scale="desk", output_dir=tmp_path).split("w/ LLaMA (seeds: 0,1,2)\n")[2]
    assert cells(block, " over seeds")[-1].startswith("±")
    assert cells(block, " verdict") == ["undecided*"] * 3


def test_a_row_evaluated_on_one_benchmark_names_its_seeds_for_each(runs: Path) -> None:
    write_run(runs, variant="noisy_data", image=below(16), video=None)
    text = table(5, scale="desk", output_dir=runs)
    assert cells(text, "right answers, %")[-1] == "image/video"
    assert cells(text, "w/ large-scale noisy data")[1] == "40.0"
    assert cells(text, "w/ large-scale noisy data")[-1] == "0/-"
    assert cells(text, "w/ LLaMA")[-1] == "0"


def test_seeds_that_were_asked_different_numbers_of_questions_are_not_pooled(runs: Path) -> None:
    write_run(runs, variant="lynx", seed=1, image=below(9), video=below(9), per_category=20)
    with pytest.raises(LynxError, match=r"lynx/seed0: 320, .*lynx/seed1: 160"):
        table(5, scale="desk", output_dir=runs)


def test_the_video_note_and_the_stars_follow_what_the_runs_did(tmp_path: Path) -> None:
    described = {"plug_and_play": {"prompt": "describe"}}
    write_run(tmp_path, variant="lynx", image=below(32), video=below(28))
    write_run(tmp_path, variant="llama_backbone", image=below(26), video=below(2))
    without = table(5, scale="desk", output_dir=tmp_path)
    assert "66.22 with);\nmeasured here: without. * marks verdicts across the two." in without
    assert cells(without, "w/ LLaMA, video")[-3:] == ["agrees*", "(1", "seed)"]
    assert cells(without, "w/ LLaMA, image")[-3:] == ["agrees", "(1", "seed)"]
    write_run(tmp_path, variant="lynx", image=below(32), video=below(28), video_protocol=described)
    mixed = table(5, scale="desk", output_dir=tmp_path)
    assert "measured here: with (Ours), without (w/ LLaMA). * marks" in mixed
    assert "w/ LLaMA, video: asked differently from Ours in plug_and_play, which is not in" in mixed
    write_run(
        tmp_path, variant="llama_backbone", image=below(26), video=below(2),
        video_protocol=described,
    )  # fmt: skip
    # Today's configuration asks without a description, so that the cells carry a dagger.
    both = table(7, scale="desk", output_dir=tmp_path).replace("†", "")
    assert "measured here: with.\n" in both and "asked differently" not in both
    assert cells(both.split("w/ LLaMA")[2], " verdict") == ["agrees"] * 3


def test_everything_printed_fits_the_terminal(runs: Path) -> None:
    for seed in (1, 2):
        write_run(runs, variant="lynx", seed=seed, image=below(seed), video=below(30 * seed))
        write_run(
            runs, variant="noisy_data", seed=seed, image=below(40 - seed), video=below(1)
        )  # fmt: skip
    base, other = (RunDir(runs / "desk" / name / "seed0") for name in ("lynx", "low_resolution"))
    write_stages(base)
    texts = [table(n, scale="desk", output_dir=runs) for n in TABLES]
    texts.append(ablation_report([base], [other]))
    assert max(len(line) for text in texts for line in text.split("\n")) <= WIDTH


def test_nothing_run_prints_the_papers_numbers_alone(tmp_path: Path) -> None:
    text = table(5, scale="desk", output_dir=tmp_path)
    assert "judge: none yet; image: not measured; video: not measured" in text
    assert cells(text, "Ours ")[:2] == ["76.16", "-"]


def test_rows_of_two_judges_do_not_stand_in_one_table(runs: Path) -> None:
    write_run(runs, variant="noisy_data", image=below(9), video=below(9), judge="gpt-4")
    with pytest.raises(LynxError, match="judged by gpt-4 and by rule:v1"):
        table(5, scale="desk", output_dir=runs)


def test_verdicts_that_could_not_be_read_are_told(tmp_path: Path) -> None:
    write_run(
        tmp_path, variant="lynx", judge="m", video=below(40),
        image=lambda category, number: None if number == 0 else True,
    )  # fmt: skip
    text = table(5, scale="desk", output_dir=tmp_path)
    assert "8 verdicts were neither yes nor no and count as wrong" in text
    assert "judge: m;" in text


def test_a_table_that_there_is_not_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"no table 8 .* 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13"):
        table(8, scale="desk", output_dir=tmp_path)


def test_plug_and_play_is_reported_against_table_2(runs: Path) -> None:
    base = write_run(runs, variant="lynx", image=below(32), video=below(20))
    other = write_run(
        runs, variant="plug_and_play", image=below(32), video=below(30),
        video_protocol={"plug_and_play": {"prompt": "describe"}},
    )  # fmt: skip
    text = ablation_report([base], [other])
    assert "\n\nplug_and_play (Table 2): " in text and "asked differently" not in text
    assert cells(text, "Ours (plug-and-play)")[:4] == ["-", "80.0", "[75.3,", "84.0]"]
    difference = text.split("difference to Ours")[1]
    assert cells(difference, "Ours (plug-and-play), video") == [
        "+8.79", "+25.0", "[+14.5,", "+34.3]", "agrees", "(1", "seed)",
    ]  # fmt: skip
    lengths = text.split("length of an answer")[1]
    assert cells(lengths, "open_vqa_video, Ours ")[:3] == ["80", "1.0", "[1.0,"]


def test_a_report_begins_with_what_changed_and_ends_with_what_it_cost(runs: Path) -> None:
    base, other = (RunDir(runs / "desk" / name / "seed0") for name in ("lynx", "low_resolution"))
    write_stages(base)
    write_stages(other, reused={"pretrain": str(base.path)})
    text = ablation_report([base], [other])
    assert text.startswith(
        "low_resolution changes:\n"
        "  stages.resolution.image_size: 112 -> 56\n"
        "  stages.instruct.image_size: 112 -> 56\n\n"
    )
    cost = text.split("length of an answer")[1].split("\n\n")[1]
    assert cells(cost, "lynx/seed0, pretrain") == ["100.0", "12.5", "3.0", "-"]
    assert cells(cost, "low_resolution/seed0, pretrain")[-1] == "lynx/seed0"
    assert cells(cost, "low_resolution/seed0, instruct") == ["30.0", "12.5", "3.0", "-"]
    assert "\ntotal: 260 s, reused stages not counted again; evaluation not in it\n\nnot" in text


def test_a_report_on_folders_without_records_says_that_the_cost_is_not_known(runs: Path) -> None:
    base, other = (RunDir(runs / "desk" / name / "seed0") for name in ("lynx", "low_resolution"))
    write_stages(base)
    assert "total: 180 s, reused stages not counted again; 3 with" in ablation_report(
        [base], [other]
    )
    base.stage_record_path("pretrain").write_text("{")
    with pytest.raises(LynxError, match=r"pretrain/stage.json is not a record of training"):
        ablation_report([base], [other])


def test_answers_of_earlier_weights_count_as_not_evaluated(runs: Path) -> None:
    base, other = (RunDir(runs / "desk" / n / "seed0") for n in ("lynx", "llama_backbone"))
    identity = write_weights(other, b"first")
    write_run(
        runs, variant="llama_backbone", image=below(26), video=below(28),
        protocol={"checkpoint": identity},
    )  # fmt: skip
    now = table(5, scale="desk", output_dir=runs)
    assert cells(now, "w/ LLaMA")[-1] == "0" and "counts as not evaluated" not in now
    write_weights(other, b"trained again")
    later = table(5, scale="desk", output_dir=runs)
    assert cells(later, "w/ LLaMA")[-2:] == ["not", "run"]
    words = " ".join(later.split())  # a long path makes the line go on below
    assert f"{other.path}: open_vqa_video counts as not evaluated, as other weights" in words
    with pytest.raises(LynxError, match=r"no benchmark on which all .*\n.*other weights answered"):
        ablation_report([base], [other])


def test_runs_that_differ_in_more_than_the_ablation_are_not_put_side_by_side(runs: Path) -> None:
    write_run(
        runs, variant="low_resolution", image=below(9), video=below(9),
        overrides=["stages.pretrain.steps=7"],
    )  # fmt: skip
    pattern = (
        r"desk/lynx/seed0 and .*desk/low_resolution/seed0 should differ by the diff of "
        r"ablations/low_resolution.yaml alone, but: stages.pretrain.steps is \d+ in the first, "
        r"7 in the second. .*`make ablation NAME=low_resolution SCALE=desk SEEDS=\"0\"`"
    )
    with pytest.raises(LynxError, match=pattern):
        table(5, scale="desk", output_dir=runs)
    base, other = (RunDir(runs / "desk" / name / "seed0") for name in ("lynx", "low_resolution"))
    with pytest.raises(LynxError, match=pattern):
        ablation_report([base], [other])


def test_a_run_without_what_its_ablation_changes_today_is_not_tabled(runs: Path) -> None:
    write_run(
        runs, variant="low_resolution", image=below(9), video=below(9),
        overrides=["stages.instruct.image_size=112"],
    )  # fmt: skip
    with pytest.raises(LynxError, match=r"stages.instruct.image_size is the same in both"):
        table(7, scale="desk", output_dir=runs)


def test_seeds_of_a_variant_that_were_made_differently_are_not_pooled(runs: Path) -> None:
    write_run(
        runs, variant="lynx", seed=1, image=below(9), video=below(9),
        overrides=["optimizer.weight_decay=0.5"],
    )  # fmt: skip
    pattern = (
        r"differ by the seed alone, but: optimizer.weight_decay .*"
        r"`make train evaluate NAME=lynx SCALE=desk SEEDS=\"0 1\"`"
    )
    with pytest.raises(LynxError, match=pattern):
        table(5, scale="desk", output_dir=runs)
    assert table(5, scale="desk", output_dir=runs, seeds=[0])


def test_backbones_trained_again_under_one_name_are_seen(runs: Path) -> None:
    for variant, language_model in (
        ("lynx", "aa"), ("llama_backbone", "bb"), ("low_resolution", "cc"),
    ):  # fmt: skip
        identities = {"vision_encoder": "v", "language_model": language_model}
        write_manifest(
            RunDir(runs / "desk" / variant / "seed0"),
            command=[],
            fingerprints={"backbones": identities},
        )
    pattern = r"alone, but: model.language_model.checkpoint is weights aa in the first, weights cc"
    with pytest.raises(LynxError, match=pattern):
        table(5, scale="desk", output_dir=runs)


def test_settings_that_change_no_number_keep_no_run_out_of_a_table(runs: Path) -> None:
    write_run(
        runs, variant="llama_backbone", image=below(26), video=below(28),
        overrides=["tracking.wandb_project=mine", "evaluation.batch_size=3"],
    )  # fmt: skip
    assert cells(table(5, scale="desk", output_dir=runs), "w/ LLaMA")[1] == "65.0"


def test_what_was_asked_differently_without_the_diff_is_told(runs: Path) -> None:
    other = write_run(
        runs, variant="low_resolution", image=below(9), video=below(9),
        protocol={"image_size": 56, "precision": "bf16"},
    )  # fmt: skip
    line = "w/o high-resolution, image: asked differently from Ours in precision, which is not in"
    assert line in table(5, scale="desk", output_dir=runs)
    assert line in ablation_report([RunDir(runs / "desk/lynx/seed0")], [other])


def paired(low: float, high: float, seeds: tuple[float, float] | None = None) -> Paired:
    """A difference in the middle of its interval, of one seed or of three with their interval."""
    return Paired(
        n=100, base_accuracy=0.5, other_accuracy=0.5,
        difference=Difference((low + high) / 2, Interval(low, high)), gained=1, lost=1,
        num_seeds=3 if seeds else 1, seed_interval=Interval(*seeds) if seeds else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("delta", "measured", "expected"),
    [
        (-5.0, paired(-0.2, -0.1), "agrees"),
        (5.0, paired(-0.2, -0.1), "opposite"),
        (-5.0, paired(-0.2, 0.1), "undecided"),
        (0.0, paired(-0.2, -0.1), "undecided"),
        (None, paired(-0.2, -0.1), "-"),
        (-5.0, None, "-"),
        (-5.0, paired(-0.2, -0.1, (-0.3, 0.0)), "undecided"),
        (-5.0, paired(-0.2, -0.1, (-0.29, -0.01)), "agrees"),
    ],
)
def test_verdicts(delta: float | None, measured: Paired | None, expected: str) -> None:
    assert verdict(delta, measured) == expected


def test_a_verdict_among_eight_needs_a_wider_interval() -> None:
    # 8 verdicts: z of 2.73 instead of 1.96, and t of 12.6 instead of 4.3 with three seeds.
    assert is_decided(paired(-0.24, -0.04), num_verdicts=8)
    assert not is_decided(paired(-0.239, -0.039), num_verdicts=8)
    assert is_decided(paired(-0.8, -0.6, (-0.93, -0.47)), num_verdicts=8)
    assert not is_decided(paired(-0.8, -0.6, (-0.95, -0.45)), num_verdicts=8)


def test_one_category_of_many_is_not_decided_by_what_would_decide_it_alone(tmp_path: Path) -> None:
    # 8 of 40 gained: 95 % interval from 3.8 points on, but not after the correction for eight.
    write_run(tmp_path, variant="lynx", image=below(20), video=below(20))
    write_run(
        tmp_path, variant="low_resolution", video=below(20),
        image=lambda category, number: number < (14 if category == "OCR" else 20),
    )  # fmt: skip
    block = table(7, scale="desk", output_dir=tmp_path).split("w/o high-resolution (")[1]
    value, half = cells(block, " diff")[0].split("±")
    assert float(value) + float(half) < 0
    assert cells(block, " verdict")[0] == "undecided"
