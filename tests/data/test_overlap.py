"""Training rows with a benchmark's picture are found by id and by look, and others are not."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from lynx.config.errors import LynxError
from lynx.data.exclusions import KeptRows, read_exclusions, write_exclusions
from lynx.data.overlap import hashing
from lynx.data.overlap.benchmark import BenchmarkPicture, read_benchmark
from lynx.data.overlap.check import MAX_DISTANCE, Hit, OverlapReport, check_overlap
from lynx.data.overlap.ids import PictureId, picture_id, read_aliases
from lynx.data.overlap.picture_hash import State, picture_hash
from lynx.data.overlap.report import overlap_exclusions, overlap_table
from lynx.data.sample import Round, Sample
from lynx.data.shards.reading import ShardedSource
from lynx.data.shards.writing import write_shards

ROUNDS = (Round({"question": "a?"}, "b"),)


def photo(seed: int, *, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Noise with a photograph's spectrum (amplitude falls with frequency)."""
    rng = np.random.default_rng(seed)
    squared = np.fft.fftfreq(64)[:, None] ** 2 + np.fft.rfftfreq(64)[None, :] ** 2
    waves = rng.normal(size=(3, 64, 33)) + 1j * rng.normal(size=(3, 64, 33))
    values = np.fft.irfft2(waves / np.sqrt(squared + 1e-3)).transpose(1, 2, 0)
    grey = 255 * (values - values.min()) / np.ptp(values)
    return Image.fromarray(grey.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str = "PNG", **options: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def smaller(image: Image.Image, factor: int) -> Image.Image:
    return image.resize((image.width // factor, image.height // factor))


def flat(colour: int = 40) -> bytes:
    return encoded(Image.new("RGB", (64, 48), (colour, colour, colour + 1)))


def make_source(directory: Path, samples: Iterable[Sample], *, name: str = "web") -> ShardedSource:
    write_shards(
        samples, directory, source=name, samples_per_shard=7, licence="none", builder="a test"
    )
    return ShardedSource(directory)


def picture_sample(key: str, image: bytes, *, name: str = "web", num_rows: int = 1) -> Sample:
    return Sample(key, name, "image", ROUNDS * num_rows, (image,), split="questions")


def video_file(frames: Sequence[Image.Image]) -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as sink:
        video = sink.add_stream("libx264", rate=5)
        video.width, video.height, video.pix_fmt = 160, 128, "yuv420p"
        for frame in frames:
            sink.mux(video.encode(av.VideoFrame.from_image(frame.resize((160, 128)))))
        sink.mux(video.encode())
    return stream.getvalue()


def overlap(
    tmp_path: Path, source: ShardedSource, benchmark: Sequence[BenchmarkPicture]
) -> OverlapReport:
    return check_overlap({"x": source}, benchmark, cache_dir=tmp_path / "cache", progress=False)


def by_look(*images: bytes, name: str = "asked") -> BenchmarkPicture:
    return BenchmarkPicture(name, None, images)


# Names and origins are Open-VQA's, keys those of lynx.data.formats.
@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("vqav2", "COCO_val2014_000000076351", ("coco", "76351")),
        ("coco_caption", "COCO_train2014_000000123456", ("coco", "123456")),
        ("coco_caption", "train2014_COCO_train2014_000000123456_2", ("coco", "123456")),
        ("llava_reasoning", "000012_000000215677", ("coco", "215677")),
        ("llava_caption", "000012_004539375", None),
        ("places365", "Places365_val_00000698", ("places365_val", "698")),
        ("places365", "Places365_test_00000698", ("places365_test", "698")),
        ("places365", "a_airfield_00000698", None),
        ("ocrvqa", "514cSEpvv5L", ("ocrvqa", "514cSEpvv5L")),
        ("ocrvqa", "0761183272", ("ocrvqa", "761183272")),
        ("sthsthv2cap", "97908", ("sthv2", "97908")),
        ("sthv2", "97908", ("sthv2", "97908")),
        ("msrvttqa", "video_9170", ("msrvtt", "9170")),
        ("msrvtt_qa", "9170", ("msrvtt", "9170")),
        ("msrvtt_qa", "video9170", ("msrvtt", "9170")),
        ("nextqa", "5530887795", ("nextqa", "5530887795")),
        ("next_qa", "1164_5530887795", ("nextqa", "5530887795")),
        ("msvdqa", "nq4hG6qgyPs_240_251", ("msvd", "nq4hG6qgyPs_240_251")),
        ("msvdqa", "-4wsuPCjDBc_5_15", ("msvd", "-4wsuPCjDBc_5_15")),
        ("msvd_qa", "1451", ("msvd", "1451")),
        ("vgqa", "2407890", ("visual_genome", "2407890")),
        ("visual_genome_caption", "VG_100K_2_12", ("visual_genome", "12")),
        ("visual_genome_caption", "VG_100K_2", ("visual_genome", "2")),
        ("visual7w", "v7w_2407890", ("visual_genome", "2407890")),
        ("gqa", "n161313", None),
        ("cc3m", "000000123", None),
        ("web", "000000123456", None),
    ],
)
def test_the_id_of_a_picture_is_read(source: str, name: str, expected: PictureId | None) -> None:
    assert picture_id(source, name) == expected


def test_rows_are_found_by_the_id_in_their_key(tmp_path: Path) -> None:
    keys = ["COCO_train2014_000000000001", "COCO_val2014_000000076351", "other"]
    samples = [
        picture_sample(key, encoded(photo(i)), name="vqav2", num_rows=2)
        for i, key in enumerate(keys)
    ]
    source = make_source(tmp_path / "vqav2", samples, name="vqav2")
    questions = tmp_path / "questions.jsonl"
    name = "images/vqav2/val2014/COCO_val2014_000000076351.jpg"
    record = {"question": "a?", "answer": ["b"], "index": 1, "origin_dataset": "vqav2"}
    questions.write_text(json.dumps(record | {"image": name}) + "\n")
    report = overlap(tmp_path, source, read_benchmark(questions))
    (found,) = report.sources
    assert found.hits == (Hit(2, keys[1], name, "id"), Hit(3, keys[1], name, "id"))
    assert (found.num_rows, found.num_with_id, found.num_hashed) == (6, 4, 0)
    assert (report.num_pictures, report.num_with_id, report.num_at_hand) == (1, 1, 0)
    assert not (tmp_path / "cache").exists()  # without pictures to compare none are hashed


def test_published_lists_lead_from_one_id_to_another(tmp_path: Path) -> None:
    genome, books, clips = (tmp_path / name for name in ("image_data.json", "dataset.json", "map"))
    address = "https://cs.stanford.edu/people/rak248/VG_100K_2/1.jpg"
    records = [
        {"width": 800, "url": address, "height": 600, "image_id": 1, "coco_id": None},
        {"width": 800, "url": address, "height": 600, "image_id": 61512, "coco_id": 248774},
    ]
    genome.write_text(json.dumps(records))
    cover = "http://ecx.images-amazon.com/images/I/51-Wx%2BHA9jL.jpg"
    books.write_text(json.dumps({"0761183272": {"imageURL": cover}}))
    clips.write_text("-4wsuPCjDBc_5_15 vid1\nnq4hG6qgyPs_240_251 vid1451\n")
    found = read_aliases({"visual_genome": genome, "ocrvqa": books, "msvd": clips})
    leads_to = {
        ("vgqa", "61512"): ("vqav2", "COCO_val2014_000000248774"),
        ("ocrvqa", "0761183272"): ("ocrvqa", "51-Wx+HA9jL"),
        ("msvd_qa", "1451"): ("msvdqa", "nq4hG6qgyPs_240_251"),
        ("msvd_qa", "1"): ("msvdqa", "-4wsuPCjDBc_5_15"),
    }
    assert found == {picture_id(*one): picture_id(*other) for one, other in leads_to.items()}
    samples = [picture_sample(k, encoded(photo(1)), name="vgqa") for k in ("61511", "61512")]
    source = make_source(tmp_path / "vgqa", samples, name="vgqa")
    benchmark = [BenchmarkPicture("asked", ("coco", "248774"))]
    for aliases, rows in ((found, [1]), ({}, [])):
        report = check_overlap(
            {"vgqa": source}, benchmark, cache_dir=tmp_path, aliases=aliases, progress=False
        )
        assert [hit.row for hit in report.sources[0].hits] == rows
    with pytest.raises(LynxError, match=r"no list of aliases `msvdd`.*nearest is `msvd`"):
        read_aliases({"msvdd": clips})
    clips.write_text("a b c\n")
    with pytest.raises(LynxError, match=r"map: 'a b c' is not `NAME vid1234`"):
        read_aliases({"msvd": clips})


def test_a_copy_is_found_however_it_was_encoded_and_an_unrelated_picture_is_not(
    tmp_path: Path,
) -> None:
    asked = photo(0)
    copies = [
        encoded(asked),
        encoded(asked, "JPEG", quality=40),
        encoded(smaller(asked, 2), "JPEG", quality=85),
        encoded(smaller(asked, 4), "JPEG", quality=60),
        encoded(asked.resize((224, 224)), "JPEG", quality=75),
    ]
    others = [encoded(photo(seed)) for seed in range(1, 9)]
    samples = [picture_sample(f"{i:03d}", image) for i, image in enumerate([*copies, *others])]
    source = make_source(tmp_path / "web", samples)
    report = overlap(tmp_path, source, [by_look(encoded(photo(99))), by_look(encoded(asked))])
    hits = report.sources[0].hits
    assert [hit.row for hit in hits] == list(range(len(copies)))
    assert {(hit.by, hit.benchmark) for hit in hits} == {("picture", "asked")}
    assert hits[0].distance == 0
    assert all(0 <= (hit.distance or 0) <= MAX_DISTANCE for hit in hits)


def test_pictures_that_have_nothing_in_common_are_never_taken_for_one_another() -> None:
    """44,850 pairs; were the bits independent, 4e-14 of all would be within MAX_DISTANCE."""
    values = [picture_hash(encoded(photo(seed, size=(48, 48))))[0] for seed in range(300)]
    hashes = np.array(values, dtype=np.uint64)
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None, :])[np.triu_indices(300, 1)]
    assert apart.min() >= 2 * MAX_DISTANCE
    assert apart.mean() == pytest.approx(32, abs=1)


def test_the_same_drawing_in_other_colours_is_another_picture(tmp_path: Path) -> None:
    asked = photo(0)
    red, green, blue = asked.split()
    grey = asked.convert("L")
    recoloured = Image.merge("RGB", (grey, grey.point(lambda v: v // 3), grey))
    assert (picture_hash(encoded(asked))[0] ^ picture_hash(encoded(recoloured))[0]).bit_count() <= 4
    swapped = Image.merge("RGB", (green, blue, red))
    images = [encoded(image) for image in (recoloured, swapped, asked)]
    source = make_source(
        tmp_path / "web", [picture_sample(f"{i}", image) for i, image in enumerate(images)]
    )
    # The nearest by hash is not the same picture, a farther one is.
    benchmark = [by_look(encoded(asked, "JPEG", quality=40)), by_look(images[0], name="recoloured")]
    hits = overlap(tmp_path, source, benchmark).sources[0].hits
    assert [(hit.row, hit.benchmark) for hit in hits] == [(0, "recoloured"), (2, "asked")]


def test_pictures_of_one_colour_are_not_compared(tmp_path: Path) -> None:
    source = make_source(
        tmp_path / "web", [picture_sample("a", flat()), picture_sample("b", encoded(photo(1)))]
    )
    report = overlap(tmp_path, source, [by_look(flat()), by_look(encoded(photo(2)))])
    assert report.num_unusable == 1
    assert report.sources[0].hits == ()
    assert report.sources[0].states == {State.FLAT: 1, State.HASHED: 1}


def test_pairs_and_videos_are_compared_by_their_telling_pictures(tmp_path: Path) -> None:
    frames = [encoded(photo(seed)) for seed in range(9)]
    file = video_file([photo(seed) for seed in (20, 21, 4, 22, 23)])
    samples = [
        Sample("left", "web", "pair", ROUNDS, (frames[4], frames[5])),
        Sample("right", "web", "pair", ROUNDS, (frames[5], frames[4])),
        Sample("first", "web", "video", ROUNDS, (frames[4], *frames[5:])),
        Sample("middle", "web", "video", ROUNDS, (frames[0], frames[4], frames[5])),
        Sample("last", "web", "video", ROUNDS, (frames[0], frames[5], frames[4])),
        Sample("file", "web", "video", ROUNDS, (), file),
        Sample("text", "web", "text", ROUNDS),
    ]
    source = make_source(tmp_path / "web", samples)
    report = overlap(tmp_path, source, [by_look(frames[4])])
    assert [hit.key for hit in report.sources[0].hits] == [
        "left", "right", "first", "middle", "file"
    ]  # fmt: skip
    assert report.sources[0].states == {State.HASHED: 6, State.NONE: 1}


def test_damaged_rows_and_pictures_are_counted(tmp_path: Path) -> None:
    broken = encoded(photo(1))[:60]
    samples = [
        picture_sample("whole", encoded(photo(1))),
        picture_sample("cut", broken),
        picture_sample("damaged", encoded(photo(2))),
        Sample("text", "web", "text", ROUNDS),
    ]
    source = make_source(tmp_path / "web", samples)
    tar = tmp_path / "web" / "web-000000.tar"
    content = bytearray(tar.read_bytes())
    content[content.rindex(b"IEND")] ^= 1
    tar.write_bytes(content)
    report = overlap(tmp_path, ShardedSource(source.directory), [by_look(encoded(photo(2)))])
    expected = {State.HASHED: 1, State.UNDECODABLE: 1, State.UNREADABLE: 1, State.NONE: 1}
    assert report.sources[0].states == expected
    line = next(t for t in overlap_table(report).splitlines() if t.startswith("web"))
    assert line.endswith("1 without a picture, 1 undecodable, 1 unreadable")


def test_pictures_are_hashed_once_and_on_several_processes_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "PART", 4)
    source = make_source(
        tmp_path / "web",
        [picture_sample(f"{i:03d}", encoded(photo(i, size=(48, 48)))) for i in range(10)],
    )
    benchmark = [by_look(encoded(photo(i, size=(48, 48)))) for i in (3, 4, 9)]
    reports = [
        check_overlap(
            {"web": source},
            benchmark,
            cache_dir=tmp_path / f"cache{n}",
            num_processes=n,
            progress=False,
        )
        for n in (1, 2)
    ]
    assert reports[0] == reports[1]
    assert [hit.row for hit in reports[0].sources[0].hits] == [3, 4, 9]
    parts = sorted((tmp_path / "cache1").rglob("*.npy"))
    assert [path.name for path in parts] == [f"{n:012d}.npy" for n in (0, 4, 8)]
    written = [path.stat().st_mtime_ns for path in parts]
    parts[1].unlink()  # as if the work had been broken off
    again = check_overlap({"web": source}, benchmark, cache_dir=tmp_path / "cache1", progress=False)
    assert again == reports[0]
    assert [path.stat().st_mtime_ns == old for path, old in zip(parts, written, strict=True)] == [
        True, False, True
    ]  # fmt: skip


def test_a_questions_file_gives_its_pictures_where_they_are_at_hand(tmp_path: Path) -> None:
    names = ["images/a/COCO_val2014_000000000007.jpg", "images/b/9.mp4", "images/b/8.mp4"]
    records = [
        {"image": names[0], "origin_dataset": "vqav2"},
        {"image": names[0], "origin_dataset": "vqav2"},
        {"video": names[1], "origin_dataset": "sthsthv2cap"},
        {"video": names[2], "origin_dataset": "sthsthv2cap"},
        {"image": "images/c/none.jpg", "origin_dataset": "unheard-of"},
    ]
    questions = tmp_path / "questions.jsonl"
    questions.write_text("".join(json.dumps(record) + "\n" for record in records))
    frames = [encoded(photo(seed), "JPEG") for seed in range(5)]
    (tmp_path / "images" / "a").mkdir(parents=True)
    (tmp_path / names[0]).write_bytes(frames[0])
    (tmp_path / "images" / "b" / "9").mkdir(parents=True)
    for number, frame in enumerate(frames):
        (tmp_path / "images" / "b" / "9" / f"{number:03d}.jpg").write_bytes(frame)
    (tmp_path / names[2]).write_bytes(video_file([photo(6), photo(7), photo(8)]))
    pictures = read_benchmark(questions)
    assert pictures == [
        BenchmarkPicture(names[0], ("coco", "7"), (frames[0],)),
        BenchmarkPicture(names[1], ("sthv2", "9"), (frames[0], frames[2])),
        BenchmarkPicture(names[2], ("sthv2", "8"), (), (tmp_path / names[2]).read_bytes()),
        BenchmarkPicture("images/c/none.jpg", None, ()),
    ]
    source = make_source(tmp_path / "web", [picture_sample("a", encoded(photo(7)))])
    report = overlap(tmp_path, source, pictures)
    assert [hit.benchmark for hit in report.sources[0].hits] == [names[2]]
    assert (report.num_pictures, report.num_with_id, report.num_at_hand) == (4, 3, 3)
    for line in ('{"picture": "a.jpg"}', "[1]"):
        questions.write_text(f"{line}\n")
        with pytest.raises(LynxError, match=r"question 1: must have `image` or `video`"):
            read_benchmark(questions)
    (tmp_path / "9.jpg").write_bytes(frames[1])
    questions.write_text('{"image": "9.jpg"}\n{"image": "COCO_val2014_000000000007.jpg"}\n')
    assert [(one.id, bool(one.images)) for one in read_benchmark(questions)] == [
        (None, True), (("coco", "7"), False)
    ]  # fmt: skip
    with pytest.raises(LynxError, match=r"nowhere.jsonl: there is no such file"):
        read_benchmark(tmp_path / "nowhere.jsonl")


def test_hits_become_exclusions_and_a_table(tmp_path: Path) -> None:
    clean = make_source(tmp_path / "clean", [Sample("t", "clean", "text", ROUNDS)], name="clean")
    samples = [
        picture_sample(f"COCO_val2014_{i:012d}", encoded(photo(i)), name="vqav2") for i in range(5)
    ]
    source = make_source(tmp_path / "vqav2", samples, name="vqav2")
    benchmark = [
        BenchmarkPicture("by id", ("coco", "1")),
        BenchmarkPicture("by look", None, (encoded(photo(3), "JPEG"),)),
        BenchmarkPicture("by both", ("coco", "4"), (encoded(photo(4)),)),
    ]
    report = check_overlap(
        {"clean": clean, "vqav2": source}, benchmark, cache_dir=tmp_path, progress=False
    )
    assert [(hit.row, hit.by) for hit in report.sources[1].hits] == [
        (1, "id"), (3, "picture"), (4, "id")
    ]  # fmt: skip
    path = tmp_path / "out.jsonl"
    assert write_exclusions(path, overlap_exclusions(report, benchmark="open_vqa")) == 3
    lists = read_exclusions(path)
    assert len(lists["clean"].rows) == 0
    kept = KeptRows(source, lists["vqav2"])
    assert [kept.read(row).key[-1] for row in range(len(kept))] == ["0", "2"]
    assert lists["vqav2"].made_by.startswith("lynx data check-overlap: open_vqa, phash-")
    lines = overlap_table(report).splitlines()
    assert lines[0].startswith("benchmark: 3 pictures or videos; 2 with an id, 2 at hand")
    assert [line.split() for line in lines[3:5]] == [
        ["clean", "1", "0", "0", "0", "0", "1", "without", "a", "picture"],
        ["vqav2", "5", "5", "5", "2", "1"],
    ]
    assert lines[1].startswith("warning: 1 of 3 were compared by id alone")
    assert lines[5] == "vqav2: row 1, COCO_val2014_000000000001, is by id (same id)"
    assert "is by look (same look, " in lines[6]
    assert overlap_table(report, num_shown=1).splitlines()[-1] == "vqav2: and 2 more"


def test_a_benchmark_that_is_not_there_is_no_clean_result(tmp_path: Path) -> None:
    web = make_source(tmp_path / "web", [picture_sample("a", encoded(photo(1)))])
    away = [by_look(name=f"away{number}.jpg") for number in range(5)]
    with pytest.raises(LynxError, match=r"none of the benchmark's 6 .* such as away0\.jpg"):
        overlap(tmp_path, web, [*away, by_look(flat(), name="flat.png")])
    by_id = BenchmarkPicture("known.jpg", ("coco", "7"))
    with pytest.raises(LynxError, match=r"nothing could be compared: .* no row of x has an id"):
        overlap(tmp_path, web, [*away, by_id])
    report = overlap(tmp_path, web, [*away, by_id, by_look(encoded(photo(1)))])
    assert [hit.benchmark for hit in report.sources[0].hits] == ["asked"]
    assert overlap_table(report).splitlines()[1:3] == [
        "warning: 5 of 7 could NOT be compared: no id, and not at hand or unusable: "
        "away0.jpg, away1.jpg, away2.jpg and 2 more",
        "warning: 1 of 7 were compared by id alone: not at hand, or unusable: known.jpg",
    ]
    assert "warning" not in overlap_table(overlap(tmp_path, web, [by_look(encoded(photo(1)))]))
