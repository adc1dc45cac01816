"""What `baselines/*.yaml` may say, and what the files there do say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lynx.baselines.known import known_baselines, load_baseline, parsed
from lynx.config.errors import LynxError
from lynx.reporting.paper_facts import row_names

PLAIN = {
    "title": "A model", "adapter": "blip2", "checkpoint": "owner/name", "video": "grid",
    "template": {"prompt": "{prompt}", "round": "{prompt} {answer}"},
}  # fmt: skip


def read(**changes: Any) -> Any:
    content = {key: value for key, value in {**PLAIN, **changes}.items() if value is not None}
    return parsed(content, name="own", origin="baselines/own.yaml")


def test_every_family_that_the_paper_names_is_known() -> None:
    adapters = {baseline.adapter for baseline in known_baselines().values()}
    assert adapters == {"blip2", "instructblip", "llava", "idefics", "chat"}


def test_rows_that_a_baseline_may_stand_beside_are_rows_of_that_table_of_the_paper() -> None:
    for baseline in known_baselines().values():
        for table, row in baseline.paper_rows.items():
            assert row in row_names(table), (baseline.name, table)


def test_whoever_stands_beside_a_row_of_the_paper_says_which_model_that_is() -> None:
    for baseline in known_baselines().values():
        assert baseline.paper_note or not baseline.paper_rows


def test_a_baseline_is_read_back_from_its_content() -> None:
    for baseline in known_baselines().values():
        content = baseline.content()
        assert parsed(content, name=baseline.name, origin="written") == baseline


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpont": "x"}, "unknown key `checkpont`; nearest is `checkpoint`"),
        ({"title": None}, "`title` is missing"),
        ({"adapter": "flamingo"}, "`adapter` is one of blip2,"),
        ({"video": "native"}, "`video` of the adapter blip2 is one of grid, first, not 'native'"),
        ({"template": None}, "`template` has the keys prompt, round, picture"),
        ({"template": {"prompt": "ask", "round": "{prompt}{answer}"}}, "`prompt` has no {prompt}"),
        ({"template": {"prompt": "{prompt}", "round": "{prompt}"}}, "`round` has no {answer}"),
        ({"end_tokens": "</s>"}, "`end_tokens` is a list of texts"),
        ({"num_frames": 0}, "`num_frames` is a number of frames above 0"),
        ({"prompts": {"mme": "answer!"}}, "with {question}"),
        ({"paper_rows": {"one": "BLIP2"}}, "`paper_rows` gives the row's name"),
        ({"adapter": "chat", "video": "first"}, "takes the model's own chat template"),
    ],
)
def test_a_mistake_names_file_and_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LynxError) as caught:
        read(**changes)
    assert str(caught.value).startswith("baselines/own.yaml: ") and message in str(caught.value)


def test_a_picture_needs_its_place_in_both_forms() -> None:
    template = {"picture": "<image>", "prompt": "{picture}{prompt}", "round": "{prompt}{answer}"}
    with pytest.raises(LynxError, match=r"`prompt` and `round` need \{picture\}"):
        read(template=template)


def test_a_file_of_ones_own_is_a_baseline(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "title: Mine\nadapter: chat\ncheckpoint: owner/name\nvideo: pictures\n", encoding="utf-8"
    )
    assert load_baseline(str(path)).name == "mine"
    with pytest.raises(LynxError, match="there is no such file"):
        load_baseline(str(tmp_path / "other.yaml"))


def test_a_misspelt_name_is_told_the_nearest() -> None:
    with pytest.raises(LynxError, match=r"no baseline named `instructblipp`.*`instructblip`"):
        load_baseline("instructblipp")
