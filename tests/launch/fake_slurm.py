"""A cluster of one node: `sbatch`, `srun` and `scontrol` as programs, and what slurmctld does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

JOB_ID = "4711"

SBATCH = f"""#!/bin/bash
# Takes the script as SLURM does: a copy of it, and the answer of --parsable.
[ "$1" = --parsable ] || exit 1
cp "$2" "$FAKE_SLURM/job.sh" && echo "{JOB_ID};fake"
"""
SCONTROL = """#!/bin/bash
echo "$@" >> "$FAKE_SLURM/scontrol"
"""
SRUN = """#!/bin/bash
# Starts the tasks of the one node and ends with the highest status of theirs.
echo "$@" >> "$FAKE_SLURM/srun"
while [[ "$1" == --* ]]; do shift; done
pids=()
for ((rank = 0; rank < SLURM_NTASKS; rank++)); do
  SLURM_STEP_NUM_TASKS=$SLURM_NTASKS SLURM_PROCID=$rank SLURM_LOCALID=$rank SLURM_NODEID=0 "$@" &
  pids+=($!)
done
echo "${pids[@]}" > "$FAKE_SLURM/tasks"
highest=0
for pid in "${pids[@]}"; do
  wait "$pid"
  status=$?
  ((status > highest)) && highest=$status
done
exit "$highest"
"""


@dataclass
class FakeSlurm:
    """The cluster; its files are in `root`."""

    root: Path

    def install(self) -> dict[str, str]:
        """Write the programs; gives the environment that finds them."""
        programs = self.root / "bin"
        programs.mkdir(parents=True)
        for name, text in (("sbatch", SBATCH), ("scontrol", SCONTROL), ("srun", SRUN)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "FAKE_SLURM": str(self.root), "PATH": path}

    def start(self, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Run the submitted script with the variables and log that its #SBATCH lines ask for."""
        (self.root / "tasks").unlink(missing_ok=True)
        options = self.options()
        tasks = options["ntasks-per-node"]
        variables = {
            "SLURM_JOB_ID": JOB_ID,
            "SLURM_JOB_NAME": options["job-name"],
            "SLURM_NNODES": options["nodes"],
            "SLURM_NODELIST": "127.0.0.1",
            "SLURM_NTASKS": str(int(options["nodes"]) * int(tasks)),
            "SLURM_NTASKS_PER_NODE": tasks,
            "SLURM_CPUS_PER_TASK": options["cpus-per-task"],
        }
        with self.log.open("ab") as log:  # --open-mode=append
            return subprocess.Popen(
                ["bash", str(self.root / "job.sh")], env=environment | variables,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def options(self) -> dict[str, str]:
        """The #SBATCH lines of the submitted script."""
        text = (self.root / "job.sh").read_text()
        return dict(re.findall(r"^#SBATCH --([a-z-]+)=?(.*)$", text, re.M))

    @property
    def log(self) -> Path:
        """The job's output file."""
        return Path(self.options()["output"].replace("%j", JOB_ID))

    def signal_tasks(self, number: signal.Signals) -> None:
        """As SLURM signals a step: its tasks, and neither `srun` nor the script."""
        for pid in (self.root / "tasks").read_text().split():
            os.kill(int(pid), number)

    def requeued(self) -> list[str]:
        """What `scontrol` was asked, since it was last looked at."""
        path = self.root / "scontrol"
        asked = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return asked
