"""Adding generated phrasings to a pool's file: what a person wrote there stays to the byte."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from lynx.config.errors import LynxError
from lynx.config.paths import repository_root
from lynx.config.prompt_pools import PROMPTS, Generated, load_pools, pool_path, pools_of
from lynx.data.prompt_file import add_generated

ONE = Generated('{question} Say "it": now # no', "gpt-x", "2024-05-06", "ab12")
TWO = Generated("{question} One word, isn't it?", "gpt-x", "2024-05-07", "cd34")
FILE = """\
# a comment
pools:
  other:   # odd spacing
    fields: []
    single: Look.
    plain: ["Look."]
    held_out: []
  short:
    fields: [question]
    single: "{question} Be brief."
    plain:
      - "{question} Be brief."  # the paper's
    rich: []
GENERATED    # what evaluation asks
    held_out:
      - "briefly: {question}"

  last:
    fields: []
    single: See.
    plain: [See.]
    held_out: []
"""
IN_USE = """\
    generated:  # by machines
      - text: "{question} Use a word."
        model: m
        date: "2024-01-01"
        run: aa  # a trap

"""
FORMS = {
    "empty": ("    generated: []\n", "    generated:\n", ""),
    "empty_with_comment": ("    generated: []  # none\n", "    generated:  # none\n", ""),
    "absent": ("", "    generated:\n", ""),
    "in_use": (IN_USE, IN_USE[:-1], "\n"),
}


def lines(*entries: Generated) -> str:
    return "".join(
        f'      - {{text: {text}, model: "gpt-x", date: "{one.date}", run: "{one.run}"}}\n'
        for one in entries
        for text in ['"' + one.text.replace('"', '\\"') + '"']
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("form", FORMS)
def test_everything_but_the_new_lines_stays_byte_for_byte(
    form: str, newline: str, tmp_path: Path
) -> None:
    before, after, gap = FORMS[form]
    comment = "    # what evaluation asks\n"
    if form == "absent":  # the comment stands above the key that the new lines go before
        wanted = FILE.replace("GENERATED" + comment, comment + after + lines(ONE, TWO))
    else:
        wanted = FILE.replace("GENERATED", after + lines(ONE, TWO) + gap)
    path = tmp_path / "mine.yaml"
    path.write_bytes(FILE.replace("GENERATED", before).replace("\n", newline).encode())
    add_generated(path, "short", [ONE, TWO])
    assert path.read_bytes().decode() == wanted.replace("\n", newline)
    assert pools_of(path, "mine")["short"].generated[-2:] == (ONE, TWO)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_second_run_is_added_behind_the_first(tmp_path: Path) -> None:
    one_by_one, at_once = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for path in (one_by_one, at_once):
        path.write_text(FILE.replace("GENERATED", FORMS["empty"][0]))
    add_generated(one_by_one, "short", [ONE])
    add_generated(one_by_one, "short", [TWO])
    add_generated(at_once, "short", [ONE, TWO])
    assert one_by_one.read_bytes() == at_once.read_bytes()


@pytest.mark.parametrize("name", load_pools())
def test_every_pool_that_ships_can_be_added_to(name: str, tmp_path: Path) -> None:
    source = pool_path(name)
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes())
    slots = " ".join(f"{{{field}}}" for field in load_pools()[name].fields)
    entry = Generated(f"{slots} a new one", "m", "2024-05-06", "ab12")
    add_generated(path, name, [entry])
    old, new = source.read_text().splitlines(), path.read_text().splitlines()
    added = [line for line in new if line not in old]
    assert [yaml.safe_load(line) for line in added if "a new one" in line] == [[asdict(entry)]]
    head = "    generated:"
    assert [line for line in old if line.rstrip(" []") != head] == [
        line for line in new if line.rstrip(" []") != head and "a new one" not in line
    ]


@pytest.mark.parametrize(
    ("content", "entry", "complaint"),
    [
        (
            FILE.replace("GENERATED", '    generated: [{text: "{question} a", model: m, '
                         'date: "1", run: r}]\n'),
            ONE, "write the list with a line for each entry",
        ),
        (
            'pools: {short: {fields: [], single: Look., plain: ["Look."], held_out: []}}\n',
            Generated("See it now", "m", "d", "r"), "can't add to its `generated`.*a line for each",
        ),
        (FILE.replace("GENERATED", ""), Generated("Look", "m", "d", "r"), "must have each of"),
        (
            FILE.replace("GENERATED", ""),
            Generated("Briefly, {question}", "m", "d", "r"), "is the same as 'briefly: ",
        ),
    ],
    ids=["flow_list", "flow_pool", "no_slot", "held_out"],
)  # fmt: skip
def test_what_can_not_be_added_leaves_the_file_as_it_was(
    content: str, entry: Generated, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(LynxError, match=complaint):
        add_generated(path, "short", [entry])
    assert path.read_text() == content
    assert [file.name for file in tmp_path.iterdir()] == ["mine.yaml"]


def test_no_generated_phrasing_ships_without_a_model_and_a_date() -> None:
    for path in (repository_root() / PROMPTS).glob("*.yaml"):
        for pool in pools_of(path, path.name).values():
            assert all(one.model and one.date and one.run for one in pool.generated)
