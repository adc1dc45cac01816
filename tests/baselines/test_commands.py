"""The commands as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import typer
from typer.testing import CliRunner

from lynx.cli.baseline import baseline, export_predictions, import_predictions
from lynx.config.errors import LynxError
from tests.baselines.published import overrides

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(baseline)
app.command("import-predictions")(import_predictions)
app.command("export-predictions")(export_predictions)


def typed(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, LynxError):
        raise AssertionError(result.output) from result.exception
    return f"error: {result.exception}" if result.exception else result.output


def test_baseline_without_a_name_lists_them() -> None:
    listed = typed("baseline")
    assert "instructblip" in listed and "Salesforce/instructblip-flan-t5-xxl" in listed
    assert "BLIP2 (Tables 1, 4, 10, 11)" in listed


def test_baseline_asks_a_checkpoint_and_prints_where_its_run_is(
    tmp_path: Path, checkpoints: Callable[[str], Path]
) -> None:
    output = typed(
        "baseline", "chat", "--checkpoint", str(checkpoints("chat")), "--as", "tiny_chat",
        "--benchmark", "open_vqa_image", "--seed", "1",
        *overrides(tmp_path, "evaluation.without_vision=[]"),
    )  # fmt: skip
    assert "open_vqa_image: " in output and "% of 4 right" in output
    assert "judge rule:v1" in output
    runs = list((tmp_path / "desk").glob("tiny_chat+*/seed1/eval/open_vqa_image/scores.json"))
    assert len(runs) == 1


def test_a_checkpoint_that_is_not_here_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    output = typed("baseline", "blip2", "--checkpoint", "/nowhere", *overrides(tmp_path))
    assert output.startswith("error: blip2: /nowhere is no folder")


def test_predictions_are_imported_and_exported(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"id": str(number), "prediction": "red"} for number in (11, 12, 14, 70)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = ["import-predictions", str(path), "--as", "others", "--benchmark", "open_vqa_image"]
    values = overrides(tmp_path)
    assert "no answer to 1 of 4 questions" in typed(*words, *values)
    output = typed(*words, "--missing", "wrong", *values)
    assert "warning: 1 questions have no answer (wrong): 13" in output
    assert "warning: 1 answers are to no question of the benchmark" in output
    assert "25.0 % of 4 right" in output
    (run,) = (tmp_path / "desk").glob("others+*/seed0")
    out = tmp_path / "out.jsonl"
    assert "(4 answers)" in typed(
        "export-predictions", str(run), "open_vqa_image", "--out", str(out)
    )
    assert len(out.read_text().splitlines()) == 4
    assert typed(*words, "--missing", "guess", *values).startswith("error: --missing is refuse")
