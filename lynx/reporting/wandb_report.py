"""Logs a printed report to Weights & Biases, beside the runs it is about."""

from __future__ import annotations

import html

from lynx.config.schema import Config
from lynx.evaluation.wandb_table import open_run
from lynx.tracking.run_dir import RunDir


def log_report(run_dir: RunDir, config: Config, *, name: str, text: str) -> None:
    """Log `text` as a page called `name`, in a W&B run of job type `report` of this run.

    The variant's diff stands in the notes of the W&B run and, where there is one, in a page.
    """
    import wandb

    run = open_run(run_dir, config, job="report", tags=[name])
    pages = {name: text}
    if run_dir.diff_path.exists():
        pages["diff"] = run_dir.diff_path.read_text("utf-8")
    run.log(
        {page: wandb.Html(f"<pre>{html.escape(content)}</pre>") for page, content in pages.items()}
    )
    run.finish()
