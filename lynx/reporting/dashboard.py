"""The W&B workspace of a scale, defined in code: a column is an ablation.

Needs the package `wandb-workspaces`. Names of metrics are those that training
(`training/callbacks.py`) and evaluation (`evaluation/wandb_table.py`) log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lynx.config.ablation import Ablation
from lynx.config.compose import compose, list_ablations
from lynx.config.errors import LynxError
from lynx.evaluation.compare import OVERALL
from lynx.evaluation.wandb_table import DIFF
from lynx.reporting.dashboard_contents import Logged

if TYPE_CHECKING:
    import wandb_workspaces.workspaces as ws

_X = "trainer/global_step"  # Lightning's name of the step, in every stage from 0


def build_workspace(logged: Logged, *, entity: str, project: str, scale: str) -> ws.Workspace:
    """The workspace, not yet saved; it needs neither account nor network.

    Raises LynxError where the package is missing.
    """
    ws, _ = _packages()
    config = compose(scale=scale)
    changes = {one.name: one for one in list_ablations()}
    return ws.Workspace(
        entity=entity,
        project=project,
        name=workspace_name(scale),
        sections=[
            _changes_section(changes),
            *(_class_section(name, classes) for name, classes in logged.classes.items() if classes),
            *([_looking_section(logged)] if logged.visions and logged.judged else []),
            _answers_section(logged),
            *(
                _stage_section(stage, sources, logged.losses.get(stage, ()))
                for stage, sources in logged.sources.items()
            ),
            _throughput_section(list(logged.sources)),
        ],
        settings=ws.WorkspaceSettings(
            x_axis=_X, group_by_prefix="first", max_runs=50, tooltip_number_of_runs="all_runs"
        ),
        runset_settings=ws.RunsetSettings(
            filters=ws.And(ws.Config("scale") == config.scale),
            groupby=[ws.Config("variant")],
            pinned_columns=["run:displayName", "run:notes", *_pinned(logged)],
        ),
    )


def workspace_name(scale: str) -> str:
    """The name shown in W&B."""
    return f"Lynx ablations, {scale}"


def internal_name(project: str, scale: str) -> str:
    """The name by which W&B finds the workspace again: the same one for the same scale."""
    digest = hashlib.sha256(f"lynx/{project}/{scale}".encode()).hexdigest()[:11]
    return f"nw-{digest}-v"


def save_workspace(workspace: ws.Workspace, *, scale: str) -> tuple[str, bool]:
    """Create the workspace in W&B, or update the one that an earlier call made.

    Gives its address, and whether it was there. Raises LynxError where W&B refuses.
    """
    import wandb
    from wandb_workspaces.workspaces import internal

    name = internal_name(workspace.project, scale)
    try:
        found = _existing_id(workspace.entity, workspace.project, name)
        workspace._internal_name, workspace._internal_id = name, found or ""
        view = workspace._to_model()  # `save` would draw a new name where there is no view yet
        view.name = name
        saved = internal.upsert_view2(view)["upsertView"]["view"]
        workspace._internal_id = saved["id"]
        return str(workspace.url), found is not None
    except (wandb.errors.Error, ValueError, TypeError, KeyError) as error:
        raise LynxError(
            f"W&B did not take the workspace for {workspace.entity}/{workspace.project}: {error}. "
            "Is the project there (`wandb sync` publishes runs into it), and is this account "
            "(`wandb login`) allowed to write to it?"
        ) from error


def metric_names(workspace: ws.Workspace) -> set[str]:
    """Every name of a metric, table or page that a panel shows."""
    _, wr = _packages()
    names: set[str] = set()
    for section in workspace.sections:
        for panel in section.panels:
            if isinstance(panel, wr.LinePlot):
                names |= {str(panel.x), *map(str, panel.y)}
            elif isinstance(panel, wr.BarPlot):
                names |= set(map(str, panel.metrics))
            elif isinstance(panel, wr.WeavePanelSummaryTable):
                names.add(panel.table_name)
            elif isinstance(panel, wr.MediaBrowser):
                names |= set(panel.media_keys)
    return names


def _packages() -> tuple[Any, Any]:
    try:
        import wandb_workspaces.reports.v2 as wr
        import wandb_workspaces.workspaces as ws
    except ImportError as error:
        raise LynxError(
            "the dashboard needs the package wandb-workspaces: pip install -e '.[dashboard]'"
        ) from error
    return ws, wr


def _section(name: str, panels: Sequence[Any], *, is_open: bool = True, columns: int = 3) -> Any:
    ws, _ = _packages()
    layout = ws.SectionLayoutSettings(columns=columns, rows=2)
    return ws.Section(name=name, panels=list(panels), is_open=is_open, layout_settings=layout)


def _bars(title: str, metrics: Sequence[str], *, of: str = "mean") -> Any:
    """Bars of every variant: the mean over its seeds, the whisker from the least to the most."""
    _, wr = _packages()
    return wr.BarPlot(
        title=title,
        metrics=list(metrics),
        groupby=wr.Config("variant"),
        groupby_aggfunc=of,
        groupby_rangefunc="minmax",
        max_bars_to_show=50,
    )


def _lines(title: str, metrics: Sequence[str], *, log_y: bool = False) -> Any:
    _, wr = _packages()
    return wr.LinePlot(
        title=title,
        x=_X,
        y=list(metrics),
        log_y=log_y or None,
        groupby=wr.Config("variant"),
        groupby_aggfunc="mean",
        groupby_rangefunc="minmax",
    )


def _changes_section(ablations: Mapping[str, Ablation]) -> Any:
    """What each ablation changes: as stated in the repository, and as the runs have logged it."""
    _, wr = _packages()
    parts = ["**What each ablation changes** (`ablations/*.yaml`)"]
    for name, one in ablations.items():
        changes = "\n".join(f"{key}: {value}" for key, value in one.diff.items())
        parts.append(f"**{name}**: {one.question}\n```yaml\n{changes}\n```")
    panels = [
        wr.MarkdownPanel(markdown="\n\n".join(parts)),
        wr.MediaBrowser(title="the runs' own diffs", media_keys=[DIFF], grid_x_axis="run",
                        grid_y_axis="step"),
        wr.RunComparer(diff_only="split"),
    ]  # fmt: skip
    return _section("What changed", panels)


def _class_section(benchmark: str, classes: Sequence[str]) -> Any:
    """A panel per class: share of right answers between the ends of its 95 % interval."""
    _, wr = _packages()
    panels = [
        _bars(f"{name}: low, accuracy, high", [f"{benchmark}/{name}/{field}" for field in
                                               ("low", "accuracy", "high")])
        for name in (OVERALL, *classes)
    ]  # fmt: skip
    table = wr.WeavePanelSummaryTable(table_name=f"{benchmark}/scores")
    return _section(f"Scores: {benchmark}", [*panels, table])


def _looking_section(logged: Logged) -> Any:
    panels = [
        _bars(
            f"{name}: with its picture, and without",
            [
                f"{name}/{OVERALL}/accuracy",
                *(f"{name}/{OVERALL}/without/{vision}" for vision in logged.visions),
                f"{name}/{OVERALL}/majority",
            ],
        )
        for name in logged.judged
    ]
    return _section("Is it looking?", panels)


def _answers_section(logged: Logged) -> Any:
    """The tables of pictures and answers, joined by question; lengths, and official scores."""
    _, wr = _packages()
    tables = [wr.WeavePanelSummaryTable(table_name=f"{name}/answers") for name in logged.classes]
    lengths = [_bars(f"{name}: words of an answer", [f"{name}/length/words/mean"])
               for name in logged.classes]  # fmt: skip
    details = [
        _bars(
            f"{name}: {figure}, low, score, high",
            [f"{name}/details/{figure}/{field}" for field in ("low", "score", "high")],
        )
        for name, figures in logged.details.items()
        for figure in figures
    ]
    return _section("Answers", [*tables, *details, *lengths], columns=2)


def _stage_section(stage: str, sources: Sequence[str], losses: Sequence[str]) -> Any:
    panels = [
        _lines(f"{stage}: loss", [f"{stage}/loss_since_last_log"], log_y=True),
        _bars(f"{stage}: realised mix, samples", [f"{stage}/mix/{name}" for name in sources]),
        *(
            _lines(f"{stage}: loss of {name}", [f"{stage}/loss_of/{name}"], log_y=True)
            for name in losses
        ),
    ]
    return _section(f"Training: {stage}", panels, is_open=False)


def _throughput_section(stages: Sequence[str]) -> Any:
    panels = [
        _lines(f"{stage}: {title}", [f"{stage}/{metric}"])
        for stage in stages
        for metric, title in (
            ("samples_per_second", "samples per second"),
            ("useful_tokens", "share of tokens that are no padding"),
            ("learning_rate", "learning rate"),
        )
    ]
    return _section("Throughput", panels, is_open=False)


def _pinned(logged: Logged) -> list[str]:
    names = [f"{name}/{OVERALL}" for name in logged.judged]
    return [f"summary:{name}/{field}" for name in names for field in ("accuracy", "low", "high")]


def _existing_id(entity: str, project: str, name: str) -> str | None:
    """W&B's id of the workspace; None where it is not there yet."""
    from wandb_workspaces.workspaces import internal

    try:
        found = internal.get_view_dict(
            entity, project, internal._internal_name_to_url_query_str(name)
        )
    except ValueError as error:
        if str(error).startswith("Workspace"):
            return None
        raise
    return str(found["id"])
