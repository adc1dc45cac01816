"""Writes the batch script with which SLURM runs a variant, and submits it."""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from lynx.config.compose import variant_name
from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint
from lynx.config.schema import Config
from lynx.tracking.stopping import STOPPED_STATUS

# To load a 7B model, end a step and save, from wherever the signal comes; SLURM may send it up to a
# minute early.
SECONDS_BEFORE_LIMIT = 300

# sbatch's long options that a person may set; those in _OWN follow from the configuration.
_NAMES = (
    "account acctg-freq bb bbf begin cluster-constraint clusters comment constraint contiguous "
    "core-spec cpu-freq cpus-per-task deadline delay-boot dependency exclude exclusive gpu-freq "
    "gpus-per-node gres gres-flags hint hold job-name kill-on-invalid-dep licenses mail-type "
    "mail-user mcs-label mem mem-bind mem-per-cpu mem-per-gpu network nice nodelist nodes "
    "oversubscribe partition power prefer priority profile propagate qos reboot reservation "
    "segment spread-job switches thread-spec threads-per-core time time-min tmp use-min-nodes "
    "wait-all-nodes wckey"
)
OPTIONS = frozenset(_NAMES.split())
_OWN = {
    "ntasks": "hardware.num_nodes x hardware.devices",
    "ntasks-per-node": "hardware.devices: a process for each",
    "gpus": "hardware.devices",
    "gpus-per-task": "hardware.devices: each process finds its own GPU among the node's",
    "gpu-bind": "hardware.devices: each process finds its own GPU among the node's",
    "cpus-per-gpu": "data.num_workers; CPUS_PER_TASK takes the place of that",
    "export": "the script: its processes need the variables that it sets",
    "signal": f"how long it takes to stop ({SECONDS_BEFORE_LIMIT} s)",
    "requeue": "the script, which goes on where it stopped",
    "no-requeue": "the script, which goes on where it stopped",
    "open-mode": "the script, whose log must outlive a requeue",
    "output": "the run folder",
    "error": "the run folder",
    "chdir": "the repository",
    "array": "--seed: one job for each",
}


def read_options(texts: Sequence[str]) -> dict[str, str]:
    """`["NODES=4", "EXCLUSIVE"]` as `{"nodes": "4", "exclusive": ""}`.

    Raises a LynxError with all mistakes.
    """
    found, problems = {}, []
    for text in texts:
        name, equals, value = text.partition("=")
        option = name.strip().lower().replace("_", "-")
        if option in _OWN:
            problems.append(f"--slurm {text}: --{option} follows from {_OWN[option]}")
        elif option not in OPTIONS:
            hint = nearest_hint(option, OPTIONS)
            problems.append(f"--slurm {text}: --{option} is no option to be set here{hint}")
        elif (equals and not value) or set(value) & set('\n"\\'):
            problems.append(
                f"--slurm {text}: KEY=VALUE needs a value of one line without double quotes and "
                "backslashes"
            )
        found[option] = value
    if not found.get("nodes", "1").isdigit() or found.get("nodes") == "0":
        problems.append(f"--slurm NODES={found['nodes']}: needs a number of nodes, such as 4")
    if problems:
        raise LynxError("\n".join(problems))
    return found


def slurm_script(
    config: Config,
    commands: Sequence[Sequence[str]],
    *,
    written_by: str,
    options: Mapping[str, str],
    environment: Mapping[str, str],
    repository: Path,
    bin_dir: Path,
    log_dir: Path,
) -> str:
    """The script as text, to be read by a person.

    commands: what is run in turn, each on all processes. written_by: the command that wrote the
    script. options: as `read_options` gives them. environment: variables to be set. bin_dir: holds
    `lynx`. log_dir: where SLURM writes what is printed. LynxError for a command of several lines,
    and for other GPUs than the configuration's.
    """
    if "\n" in written_by:  # what follows would be no comment, and end the #SBATCH lines
        raise LynxError(f"a value with a line break can't be written into the script: {written_by}")
    lines = [f"#SBATCH {line}" for line in _sbatch_lines(config, options, log_dir=log_dir)]
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    runs = " &&\n  ".join(f"on_all {shlex.join(command)}" for command in commands)
    return "\n".join(["#!/bin/bash", f"# Written by: {written_by}", *lines]) + textwrap.dedent(
        """

        set -u
        cd {repository} || exit
        export PATH={bin_dir}:"$PATH"
        export OMP_WAIT_POLICY=PASSIVE  # threads that spin while they wait slow all others down
        export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-1}}"  # data workers are processes of their own
        {exports}
        # A process for each device. They all stop after the same step, some seconds apart, and none
        # is killed for it; a minute after one of them has failed, the others are.
        on_all() {{
          srun --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit=0 --wait=60 "$@"
        }}

        {runs}
        status=$?

        # {stopped}: a signal (preemption, or the time limit coming near) has stopped the run, and
        # its state is saved. The job goes back into the queue and will go on from there.
        if [ "$status" -eq {stopped} ]; then
          scontrol requeue "$SLURM_JOB_ID" || echo "not requeued: submit this script again to go on"
        fi
        exit "$status"
        """
    ).format(
        repository=shlex.quote(str(repository)),
        bin_dir=shlex.quote(str(bin_dir)),
        exports="".join(f"{line}\n" for line in exports),
        runs=runs,
        stopped=STOPPED_STATUS,
    )


def _sbatch_lines(config: Config, options: Mapping[str, str], *, log_dir: Path) -> list[str]:
    hardware = config.hardware
    lines = {
        "job-name": f"lynx-{config.scale}-{variant_name(config)}-seed{config.seed}",
        "nodes": str(hardware.num_nodes),
        "ntasks-per-node": str(hardware.devices),
        "cpus-per-task": str(config.data.num_workers + 1),
    }
    if hardware.accelerator == "gpu" and not _check_gpus(options, hardware.devices):
        lines["gpus-per-node"] = str(hardware.devices)
    if hardware.num_nodes > 1:  # each step waits for the slowest of all
        if "oversubscribe" not in options:
            lines["exclusive"] = ""
        if not {"mem-per-cpu", "mem-per-gpu"} & set(options):  # sbatch takes one of the three
            lines["mem"] = "0"
    lines |= options
    lines |= {
        "output": f"{log_dir}/slurm-%j.log",
        "open-mode": "append",
        "requeue": "",
        "signal": f"USR1@{SECONDS_BEFORE_LIMIT}",
    }
    return [f"--{name}={_word(value)}" if value else f"--{name}" for name, value in lines.items()]


def _check_gpus(options: Mapping[str, str], wanted: int) -> bool:
    """Whether options ask for GPUs, such as `gpu:a100:8`; LynxError for another number of them."""
    asked = [f"gpu:{options['gpus-per-node']}"] if "gpus-per-node" in options else []
    asked += [one for one in options.get("gres", "").split(",") if one.partition(":")[0] == "gpu"]
    for one in asked:
        last = one.rpartition(":")[2]
        if (last if last.isdigit() else "1") != str(wanted):
            raise LynxError(f"--slurm: {one} on each node contradicts hardware.devices={wanted}")
    return bool(asked)


def _word(value: str) -> str:
    """SLURM takes quotes and `#` in an #SBATCH line as a shell does."""
    return value if re.fullmatch(r"[\w@%+=:,./*&|()\[\]-]*", value) else f'"{value}"'


def submit(script: Path) -> str:
    """Hand the script to sbatch; gives the job's id. LynxError with what sbatch says."""
    try:
        done = subprocess.run(
            ["sbatch", "--parsable", str(script)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise LynxError(
            f"there is no `sbatch` on this machine; {script} is written: submit it from a login "
            "node of the cluster, or see it first with --dry-run"
        ) from error
    if done.returncode:
        raise LynxError(f"sbatch refused {script}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip().partition(";")[0]  # `id;cluster` where there are several clusters
