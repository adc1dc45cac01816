"""How a sample lies in a tar file: as ours, or as picture and text side by side (img2dataset)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lynx.config.errors import LynxError
from lynx.data.sample import Round, Sample

Members = Mapping[str, bytes]  # content by ending
PICTURE_ENDINGS = ("jpg", "jpeg", "png")
_PICTURES = {b"\x89PNG": "png", b"\xff\xd8": "jpg"}
_WEBM, _MP4 = b"\x1a\x45\xdf\xa3", b"ftyp"


def members_of(sample: Sample) -> dict[str, Any]:
    """The sample as WebDataset has it: `__key__`, then ending -> content."""
    text = json.dumps(_record(sample), ensure_ascii=False, sort_keys=True)
    found: dict[str, Any] = {"__key__": sample.key, "json": text.encode()}
    place = f"{sample.source}: sample {sample.key!r}"
    for number, image in enumerate(sample.images):
        ending = next((e for s, e in _PICTURES.items() if image.startswith(s)), None)
        if ending is None:
            raise LynxError(f"{place}: a picture is no PNG or JPEG")
        # Tar writers sort by ending: equal lengths keep ten and more frames in order.
        found[ending if sample.kind == "image" else f"{number:03d}.{ending}"] = image
    if sample.video is not None:
        found[_video_ending(sample.video, place)] = sample.video
    return found


def _record(sample: Sample) -> dict[str, Any]:
    """What the sample's JSON holds; what has its usual value is left out."""
    rounds: list[dict[str, Any]] = []
    for one in sample.rounds:
        options = {"options": list(one.options)} if one.options else {}
        rounds.append({"fields": dict(one.fields), "response": one.response} | options)
    split = {} if sample.split == "whole" else {"split": sample.split}
    return {"kind": sample.kind, "rounds": rounds} | split


def _video_ending(video: bytes, place: str) -> str:
    if video.startswith(_WEBM):
        return "webm"
    if video[4:8] == _MP4:
        return "mp4"
    raise LynxError(f"{place}: its video is neither MP4 nor WebM")


def _read_lynx(key: str, source: str, members: Members, layout: Mapping[str, str]) -> Sample:
    record = json.loads(members["json"])
    rounds = tuple(
        Round(r["fields"], r["response"], tuple(r.get("options", ()))) for r in record["rounds"]
    )
    rest = sorted(ending for ending in members if ending != "json")
    is_video = len(rest) == 1 and rest[0] in ("mp4", "webm")
    return Sample(
        key=key,
        source=source,
        kind=record["kind"],
        rounds=rounds,
        images=() if is_video else tuple(members[ending] for ending in rest),
        video=members[rest[0]] if is_video else None,
        split=record.get("split", "whole"),
    )


def _read_pairs(key: str, source: str, members: Members, layout: Mapping[str, str]) -> Sample:
    """A picture, and the text in `.txt` or in a field of `.json`, as `layout["text"]` says."""
    picture = next((members[e] for e in PICTURE_ENDINGS if e in members), None)
    if picture is None:
        raise ValueError(f"has no picture among {', '.join(sorted(members))}")
    ending, _, name = layout["text"].partition(":")
    if ending not in members:
        raise ValueError(f"has no .{ending} among {', '.join(sorted(members))}")
    content = members[ending].decode()
    text = json.loads(content)[name] if name else content
    if not isinstance(text, str) or not text.strip():
        found = "empty" if isinstance(text, str) else f"a {type(text).__name__}"
        raise ValueError(f"its text in {layout['text']} is {found}")
    if "\0" in text:  # of a hole in the file
        raise ValueError(f"its text in {layout['text']} has zero bytes")
    return Sample(key, source, "image", (Round({}, text.strip()),), (picture,))


READERS: dict[str, Callable[[str, str, Members, Mapping[str, str]], Sample]] = {
    "lynx": _read_lynx,
    "pairs": _read_pairs,
}
