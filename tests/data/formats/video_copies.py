"""Writes tiny copies of video datasets in the layouts that their owners publish."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clips import make_clip, numbered

MP4, WEBM = make_clip(3), make_clip(3, kind="vp9")
FAIL = "False Start! - Best Fails (May 2018) _ FailArmy31"
Asked = list[tuple[str, str]]  # question ("" for a caption) and answer


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def put_json(path: Path, content: Any) -> None:
    put(path, json.dumps(content).encode())


def put_lines(path: Path, records: Iterable[Any]) -> None:
    put(path, "".join(json.dumps(record) + "\n" for record in records).encode())


def put_table(path: Path, columns: str, rows: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(row.split(",") for row in (columns, *rows))


def put_msrvtt(root: Path) -> None:
    records = [
        ("what is a woman doing", "sing", 9, 3),
        ("who dances?", "man", 0, 3),
        ("what is shown?", "game", 0, 12),
    ]
    put_json(
        root / "train_qa.json",
        [
            {"answer": a, "category_id": c, "id": n, "question": q, "video_id": v}
            for n, (q, a, c, v) in enumerate(records)
        ],
    )
    put(root / "video/video3.mp4", MP4)
    put(root / "TrainValVideo/video12.mp4", MP4)


def put_msvd(root: Path) -> None:
    asked = [("what is chewing a nut?", "animal", 1), ("what do two guys do?", "kick", 2)]
    put_json(
        root / "train_qa.json",
        [{"answer": a, "id": n, "question": q, "video_id": v} for n, (q, a, v) in enumerate(asked)],
    )
    put(root / "youtube_mapping.txt", b"-4wsuPCjDBc_5_15 vid1\n-7KMZQEsJW4_205_208 vid2\n")
    put(root / "YouTubeClips/-4wsuPCjDBc_5_15.avi", make_clip(3, kind="mpeg4", container="avi"))
    put(root / "video/vid2.avi", make_clip(3, kind="mpeg4", container="avi"))


def put_next_qa(root: Path) -> None:
    put_table(
        root / "train.csv",
        "video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4",
        [
            "4010069381,369,640,480,how do they play,2,6,CH,roll it,tap,strum the string,hit,pat",
            "4010069381,369,640,480,where are they,0,7,DL,on a stage,room,bar,road,farm",
            "2834146886,1881,496,370,what does the dog do,4,8,TN,drink,shake,smell,wag,touch lady",
        ],
    )
    ids = {"4010069381": "1011/4010069381", "2834146886": "0028/2834146886"}
    put_json(root / "map_vid_vidorID.json", ids)
    for name in ids.values():
        put(root / f"NExTVideo/{name}.mp4", MP4)


def put_sthv2(root: Path) -> None:
    labels = [("78687", "holding potato next to vicks bottle"), ("42326", "stacking 4 coins")]
    template = {"template": "Holding [something] next to [something]", "placeholders": ["potato"]}
    put_json(
        root / "labels/train.json", [{"id": n, "label": label, **template} for n, label in labels]
    )
    for number, _ in labels:
        put(root / f"20bn-something-something-v2/{number}.webm", WEBM)


def narrative(dataset: str, video: str, number: int, *captions: str) -> dict[str, Any]:
    actors = [
        {"actor_name": f"Man {n}", "caption": caption, "traces": [[]]}
        for n, caption in enumerate(captions)
    ]
    return {
        "vidln_id": number,
        "dataset_id": dataset,
        "video_id": video,
        "keyframe_names": ["000025", "000076"],
        "annotator_id": 5,
        "actor_narratives": actors,
    }


def put_narratives(root: Path) -> None:
    put_lines(
        root / "vidlns/OVIS_train.jsonl",
        [narrative("OVIS_train", "5d24e4ea", 1, "A tiger is fighting.", "There is grass.")],
    )
    put_lines(
        root / "vidlns/UVO_dense_train.jsonl",
        [
            narrative("UVO_dense_train", "00jZej9_xh8", 1, "A man runs."),
            narrative("UVO_dense_train", "00jZej9_xh8", 2, "Somebody is running."),
        ],
    )
    put_lines(root / "vidlns/UVO_sparse_train.jsonl", [])
    put_lines(root / "vidlns/oops_train.jsonl", [narrative("oops_train", FAIL, 4, "He  falls.")])
    put(root / "videos/OVIS_train/5d24e4ea.mp4", MP4)
    put(root / f"videos/oops_train/{FAIL}.mp4", MP4)
    put_frames(root / "frames/UVO_dense_train/00jZej9_xh8", 12)


def put_frames(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        numbered(number).save(folder / f"{number}.png")


def put_oops_qa(root: Path) -> None:
    pair = {
        "question_id": f"train/{FAIL}_question_train_0",
        "question": "who throws the egg at the man",
        "answer": "baby girl",
        "raw_question": "Who throws the egg at the man?",
        "raw_answer": "Baby girl",
    }
    second = {**pair, "question": "what is green", "answer": "floor"}
    annotation = {"video_name": f"train/{FAIL}", "qa_pairs": [pair, second]}
    put_json(
        root / "videoqa/text_output/oops_train/qa_text_output.json",
        {"dataset": "Oops", "split": "train", "annotations": [annotation]},
    )
    put(root / f"videos/oops_train/{FAIL}.mp4", MP4)


@dataclass(frozen=True)
class Copy:
    """write: makes it. expected: rows by key. media, lost: a video, and its rows."""

    write: Callable[[Path], None]
    expected: Mapping[str, Asked]
    media: str
    lost: int
    annotations: str


FAIL_KEY = "False_Start__-_Best_Fails__May_2018____FailArmy31"
COPIES = {
    "msrvtt_qa": Copy(
        put_msrvtt,
        {
            "3": [("what is a woman doing?", "sing"), ("who dances?", "man")],
            "12": [("what is shown?", "game")],
        },
        "video/video3.mp4",
        2,
        "train_qa.json",
    ),
    "msvd_qa": Copy(
        put_msvd,
        {"1": [("what is chewing a nut?", "animal")], "2": [("what do two guys do?", "kick")]},
        "YouTubeClips/-4wsuPCjDBc_5_15.avi",
        1,
        "youtube_mapping.txt",
    ),
    "next_qa": Copy(
        put_next_qa,
        {
            "4010069381": [
                ("how do they play?", "strum the string"),
                ("where are they?", "on a stage"),
            ],
            "2834146886": [("what does the dog do?", "touch lady")],
        },
        "NExTVideo/1011/4010069381.mp4",
        2,
        "map_vid_vidorID.json",
    ),
    "sthv2": Copy(
        put_sthv2,
        {
            "78687": [("", "holding potato next to vicks bottle")],
            "42326": [("", "stacking 4 coins")],
        },
        "20bn-something-something-v2/42326.webm",
        1,
        "labels/train.json",
    ),
    "vln_caption": Copy(
        put_narratives,
        {
            "OVIS_train_5d24e4ea": [("", "A tiger is fighting. There is grass.")],
            "UVO_dense_train_00jZej9_xh8": [("", "A man runs."), ("", "Somebody is running.")],
            f"oops_train_{FAIL_KEY}": [("", "He falls.")],
        },
        "frames/UVO_dense_train/00jZej9_xh8",
        2,
        "vidlns/oops_train.jsonl",
    ),
    "vln_vqa": Copy(
        put_oops_qa,
        {
            f"train_{FAIL_KEY}": [
                ("who throws the egg at the man?", "baby girl"),
                ("what is green?", "floor"),
            ]
        },
        f"videos/oops_train/{FAIL}.mp4",
        2,
        "videoqa/text_output/oops_train/qa_text_output.json",
    ),
}
