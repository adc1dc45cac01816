"""Noise among texts is found by the rule it breaks, counted, and listed for exclusion."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import webdataset
from PIL import Image

from lynx.config.errors import LynxError
from lynx.data.exclusions import KeptRows, read_exclusions, write_exclusions
from lynx.data.noise import RULES, looked_at, rules_with
from lynx.data.noise_report import (
    SCORE_COLUMNS,
    NoiseReport,
    noise_exclusions,
    noise_report,
    score_column,
)
from lynx.data.noise_table import noise_table
from lynx.data.sample import Round, Sample
from lynx.data.shards.importing import import_shards
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards

CLEAN = [
    "a man riding a wave on top of a surfboard",
    "Two dogs play in the snow near a red house.",
    "contemporary expensive lighting fixtures with minimum lighting",
    "Olive oil infused with Tuscany herbs",
    "The Gate by Pete2453",
    "a man and a woman and a child with a dog",
    "Portrait of Dr. Smith (left) in 1943.",
    "What does it cost? 3 apples at 2 dollars!",
]
NOISY = {
    "sunset": "too_short",
    "a sunset": "too_short",
    "palm " + " ".join(f"tree{number}" for number in range(300)): "too_long",
    "2019 / 11 / 23 - 4533": "few_letters",
    "$ 19.99 - $ 24.99 each": "few_letters",
    "IMG 2043 of our garden": "file_or_url",
    "my photo red_house-2.JPG from the album": "file_or_url",
    "more prints at www.example.org today": "file_or_url",
    "art prints for sale at CaliforniaWatercolor.com": "file_or_url",
    "the <br> tower of a church": "markup",
    "valentine&#39;s day roses in a vase": "markup",
    "Load image into Gallery viewer, roses in a vase": "boilerplate",
    "Red shoes - click to enlarge the picture": "boilerplate",
    "Image may contain a tree and a house": "boilerplate",
    "a person digging at the farm near the...": "cut_off",
    "Fuel State Critical - Outcome in Doubt (B-25": "cut_off",
    "shoes red shoes cheap shoes buy shoes red shoes": "repeated_words",
    "Hund spielt im Garten mit einem roten Ball": "not_english",
    "красная машина стоит на дороге": "not_english",
    "maison à vendre avec jardin et piscine": "not_english",
}


def picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 7), (1, 10, 20)).save(stream, "PNG")
    return stream.getvalue()


def make_source(directory: Path, texts: Sequence[str]) -> ShardedSource:
    samples = (
        Sample(f"{number:06d}", "web", "image", (Round({}, text),), (picture(),))
        for number, text in enumerate(texts)
    )
    write_shards(
        samples, directory, source="web", samples_per_shard=50, licence="none", builder="a test"
    )
    return ShardedSource(directory)


def found_by(text: str) -> list[str]:
    look = looked_at(text)
    return [
        name
        for name, rule in RULES.items()
        if rule.finds is not None and rule.finds(look, rule.threshold or 0.0)
    ]


@pytest.mark.parametrize("text", CLEAN)
def test_a_caption_breaks_no_rule(text: str) -> None:
    assert found_by(text) == []


@pytest.mark.parametrize(("text", "rule"), NOISY.items())
def test_noise_is_found_by_its_rule(text: str, rule: str) -> None:
    assert rule in found_by(text)


def test_every_rule_of_a_text_has_an_example_here() -> None:
    assert {name for name, rule in RULES.items() if rule.finds} == set(NOISY.values())


def test_the_language_is_the_same_each_time() -> None:
    texts = [*CLEAN, *NOISY]
    assert [looked_at(text) for text in texts] == [looked_at(text) for text in texts]
    assert looked_at("maison à vendre avec jardin et piscine").language == "fr"
    assert looked_at("12 / 34").language == "none"


def report_of(tmp_path: Path, texts: Sequence[str]) -> tuple[ShardedSource, NoiseReport]:
    source = make_source(tmp_path / "web", texts)
    return source, noise_report(source, progress=False)


def test_the_report_counts_rows_by_rule(tmp_path: Path) -> None:
    texts = [*CLEAN, *NOISY, CLEAN[0].upper(), f" {CLEAN[0]}\n", CLEAN[1]]
    _, report = report_of(tmp_path, texts)
    expected = {
        name: [i for i, text in enumerate(texts) if name in found_by(text)] for name in RULES
    }
    expected["duplicate"] = [len(texts) - 3, len(texts) - 2, len(texts) - 1]
    del expected["low_score"]
    assert {name: found.rows.tolist() for name, found in report.findings.items()} == expected
    assert report.noisy().tolist() == list(range(len(CLEAN), len(texts)))
    assert report.noisy(["duplicate"]).tolist() == expected["duplicate"]
    assert (report.num_rows, report.num_read, report.num_unreadable) == (len(texts), len(texts), 0)
    assert sum(report.languages.values()) == report.findings["not_english"].num_judged
    assert next(iter(report.languages)) == "en"
    lengths = [len(text.split()) for text in texts]
    assert report.num_words[50] == np.median(lengths)
    assert (report.num_words[0], report.num_words[100]) == (1, 301)
    assert (report.num_scored, report.scores) == (0, {})


def test_the_table_and_the_json_say_what_was_counted(tmp_path: Path) -> None:
    _, report = report_of(tmp_path, [*CLEAN, *NOISY])
    table = noise_table(report)
    total = len(CLEAN) + len(NOISY)
    assert f"{total} of {total} rows; 0 unreadable" in table
    for name, found in report.findings.items():
        line = next(line for line in table.splitlines() if line.startswith(name))
        assert line.split()[-1] in found.rule.reason
        assert f" {len(found.rows)} " in line
    share = f"{len(NOISY) / total:.1%}"
    assert f"any of them {total} {len(NOISY)} {share}" in [
        " ".join(t.split()) for t in table.splitlines()
    ]
    content = json.loads(json.dumps(report.as_json()))
    assert content["num_noisy"] == len(NOISY)
    foreign = sum("not_english" in found_by(text) for text in NOISY)
    assert content["rules"]["not_english"]["num_rows"] == foreign >= 3
    assert content["rules"]["too_short"]["threshold"] == 3
    assert content["rules"]["markup"]["examples"][0] == "the <br> tower of a church"


def test_exclusions_by_some_rules_keep_the_other_rows(tmp_path: Path) -> None:
    texts = [*CLEAN, *NOISY]
    source, report = report_of(tmp_path, texts)
    path = tmp_path / "out.jsonl"
    count = write_exclusions(path, [noise_exclusions(source, report, ["markup", "too_short"])])
    left_out = [text for text in texts if {"markup", "too_short"} & set(found_by(text))]
    assert count == len(left_out) > 2
    kept = KeptRows(source, read_exclusions(path)["web"])
    responses = [kept.read(row).rounds[0].response for row in range(len(kept))]
    assert responses == [text for text in texts if text not in left_out]
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert entries[0]["made_by"] == "lynx data noise: markup, too_short 3"
    assert entries[1] == {
        "source": "web",
        "row": texts.index("sunset"),
        "key": f"{texts.index('sunset'):06d}",
        "reason": "too_short",
    }


def test_a_part_of_the_rows_is_spread_evenly_and_makes_no_exclusions(tmp_path: Path) -> None:
    source = make_source(tmp_path / "web", [f"house of the number {i}" for i in range(100)])
    report = noise_report(source, limit=4, rules=rules_with({"too_short": 9}), progress=False)
    assert report.findings["too_short"].rows.tolist() == [0, 25, 50, 75]
    assert "4 of 100 rows, evenly spaced" in noise_table(report)
    with pytest.raises(LynxError, match=r"web: the noise report is on 4 of 100 rows"):
        noise_exclusions(source, report, ["too_short"])


def test_unknown_rules_and_thresholds_are_refused(tmp_path: Path) -> None:
    source, report = report_of(tmp_path, CLEAN)
    with pytest.raises(LynxError, match=r"no noise rule `to_short`; nearest is `too_short`"):
        noise_exclusions(source, report, ["to_short"])
    with pytest.raises(LynxError, match=r"rule `low_score`: no row has a score"):
        noise_exclusions(source, report, ["low_score"])
    with pytest.raises(LynxError, match=r"name at least one noise rule"):
        noise_exclusions(source, report, [])
    with pytest.raises(LynxError, match=r"`markup` has no threshold"):
        rules_with({"markup": 1})


def test_copies_beyond_the_threshold_are_found_whatever_their_order(tmp_path: Path) -> None:
    texts = ["b is here", "a is here", "b is here", "c is here", "b is here", "a is here"]
    source = make_source(tmp_path / "web", texts)
    for kept, expected in ((1, [2, 4, 5]), (2, [4]), (3, [])):
        report = noise_report(source, rules=rules_with({"duplicate": kept}), progress=False)
        assert report.findings["duplicate"].rows.tolist() == expected


def test_a_damaged_row_is_counted_and_not_called_noise(tmp_path: Path) -> None:
    source = make_source(tmp_path / "web", CLEAN)
    tar = tmp_path / "web" / "web-000000.tar"
    content = bytearray(tar.read_bytes())
    content[content.index(b"riding")] ^= 1
    tar.write_bytes(content)
    report = noise_report(ShardedSource(source.directory), progress=False)
    assert (report.num_read, report.num_unreadable) == (len(CLEAN), 1)
    assert len(report.noisy()) == 0


def test_scores_beside_the_pictures_are_read_and_judged(tmp_path: Path) -> None:
    values: list[float | None] = [0.31, 0.1, None, 0.28, 0.27]
    source = make_source(tmp_path / "web", CLEAN[: len(values)])
    assert score_column(source) is None
    report = noise_report(source, scores=values.__getitem__, progress=False)
    assert report.findings["low_score"].rows.tolist() == [1, 4]
    assert (report.num_scored, report.scores[0], report.scores[100]) == (4, 0.1, 0.31)
    assert "of 4 rows: 0 % 0.1" in noise_table(report)
    with pytest.raises(LynxError, match=r"has no `similarity`; it has kind, rounds"):
        score_column(source, "similarity")


def test_the_score_column_is_found_in_the_metadata_of_a_shard(tmp_path: Path) -> None:
    source = imported(tmp_path, [{"text": CLEAN[0], SCORE_COLUMNS[0]: 0.1}, {"text": CLEAN[1]}])
    scores = score_column(source)
    assert scores is not None
    assert [scores(row) for row in range(2)] == [0.1, None]
    report = noise_report(source, scores=scores, progress=False)
    assert report.findings["low_score"].rows.tolist() == [0]


def imported(tmp_path: Path, records: Sequence[dict[str, object]]) -> ShardedSource:
    """Shards whose JSON holds more than a sample, as those of img2dataset do."""
    source = make_source(tmp_path / "plain", [str(record["text"]) for record in records])
    folder = tmp_path / "imported"
    folder.mkdir()
    with webdataset.TarWriter(str(folder / "00000.tar"), encoder=False) as writer:
        for number, record in enumerate(records):
            members = {"jpg": source.read(number).images[0], "json": json.dumps(record).encode()}
            writer.write({"__key__": f"{number:09d}"} | members)
    import_shards(folder, source="web", licence="none", text="json:text")
    return ShardedSource(folder)


def test_short_texts_are_not_judged_by_their_language_and_the_table_says_how_many_were(
    tmp_path: Path,
) -> None:
    texts = ["a pili nut tree", "a jack o lantern", "12 / 34 / 56 / 78 / 90", *CLEAN]
    _, report = report_of(tmp_path, [*texts, "maison à vendre avec jardin et piscine"])
    found = report.findings["not_english"]
    assert found.rows.tolist() == [len(texts)]
    assert found.num_judged == 1 + sum(len(text.split()) >= 5 for text in CLEAN)
    assert report.findings["too_short"].num_judged == len(texts) + 1
    line = next(t for t in noise_table(report).splitlines() if t.startswith("not_english"))
    assert line.split()[1:4] == ["0.01", str(found.num_judged), "1"]
    assert f"of {found.num_judged} rows with 5 and more words: en " in noise_table(report)
    assert report.as_json()["rules"]["not_english"]["num_judged"] == found.num_judged
