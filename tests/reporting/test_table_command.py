"""`lynx table` as a person types it: forms, files, and the status of verify."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lynx.cli.runs import app
from lynx.config.errors import LynxError
from tests.fabricated import below, write_run


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import lynx.cli  # noqa: F401, which adds the command

    monkeypatch.setenv("LYNX_RUNS", str(tmp_path))
    return tmp_path


def typed(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["table", *words])
    if isinstance(result.exception, LynxError):
        raise result.exception
    return result.exit_code, result.output


def test_a_table_is_printed_or_written_in_the_form_asked_for_and_saved(runs: Path) -> None:
    status, text = typed("13")
    assert status == 0 and text.startswith("Table 13, scale desk\n")
    out = runs / "table.tex"
    status, text = typed("--format", "latex", "13", "--out", str(out))
    assert status == 0 and text == f"written: {out}\n"
    assert r"\begin{tabular}{lllr}" in out.read_text("utf-8")
    assert (runs / "desk/tables/table_13.json").is_file()


def test_verify_is_silent_about_nothing_and_fails_where_a_table_has_drifted(runs: Path) -> None:
    with pytest.raises(LynxError, match="no tables were saved in"):
        typed("verify")
    write_run(runs, variant="lynx", image=below(32), video=None)
    assert typed("1", "--seed", "0")[0] == 0
    status, text = typed("verify")
    assert status == 0 and text.startswith("table 1: ")
    path = runs / "desk/tables/table_1.json"
    path.write_text(path.read_text("utf-8").replace('"76.16"', '"77.16"'), "utf-8")
    status, text = typed("verify", "1")
    assert status == 1 and ": 77.16 -> 76.16" in text


def test_a_number_that_is_no_table_is_refused() -> None:
    with pytest.raises(LynxError, match="there is no table 9 to make"):
        typed("9")
