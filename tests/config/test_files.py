"""Reading YAML files: every way in which one can be unusable names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.config.files import flattened, nested, read_mapping


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: {b: '${foo'}", r"`a\.b`: .*a reference is written \$\{like\.this\}"),
        ("null: 3", "a key is empty or null"),
        ("a: {null: 3}", "a key below `a` is empty or null"),
        ("42", "holds 42; a mapping of keys to values is needed"),
        ("true", "holds True; a mapping"),
        ("- a", "holds a list; a mapping"),
        ("a: 1\na: 2", "not readable as YAML"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "some.yaml"
    path.write_text(text + "\n")
    with pytest.raises(LynxError, match=rf"some\.yaml: {reason}"):
        read_mapping(path)


def test_a_file_that_can_not_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"can't be read: Is a directory"):
        read_mapping(tmp_path)
    with pytest.raises(LynxError, match=r"can't be read: No such file"):
        read_mapping(tmp_path / "none.yaml")


def test_an_empty_file_is_an_empty_mapping(tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text("# nothing yet\n")
    assert dict(read_mapping(tmp_path / "some.yaml")) == {}


def test_a_key_that_is_dotted_and_nested_is_refused() -> None:
    with pytest.raises(LynxError, match=r"some\.yaml: `a\.b` is given twice, 10 and 20"):
        flattened({"a.b": 10, "a": {"b": 20}}, origin="some.yaml")


def test_nested_is_the_inverse_of_flattened() -> None:
    tree = {"a": {"b": {"c": 1}, "d": [2, {"e": 3}]}, "f": {}}
    assert nested(flattened(tree)) == tree
