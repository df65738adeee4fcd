"""Pages, README and help show commands that work, and the generated pages are current."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer.main
from field_examples import INTERNAL, Case, Example, computed, entries, fields_page
from scripted import ROOT
from update_docs import FIELDS, PAGE, PROMPTS, commands, commands_page, help_of, prompts_page

from extractor import fields
from extractor.cli.main import app

README = (ROOT / "README.md").read_text(encoding="utf-8")
# Every page with commands but the generated ones.
PAGES = "\n".join(
    page.read_text(encoding="utf-8")
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
    if page.name not in ("CHANGELOG.md", PAGE.name, FIELDS.name)
)

FENCED = re.compile(r"^```(?:bash|sh|shell|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(extractor [^`\n]+)`")
SEPARATORS = re.compile(r"[;&|()]+")
REDIRECTION = re.compile(r"[<>][<>&|]*")
ASSIGNMENT = re.compile(r"\w+=.*")


def shell_commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a shell script, without comments, prompts, assignments and redirections."""
    for line in script.replace("\\\n", " ").splitlines():
        words: list[str] = []
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        tokens = iter(lexer)
        for token in tokens:
            if SEPARATORS.fullmatch(token):
                yield words
                words = []
            elif REDIRECTION.fullmatch(token):
                next(tokens)
            elif words or not ASSIGNMENT.fullmatch(token):
                words.append(token)
        yield words


def documented(text: str) -> list[list[str]]:
    """The arguments of every `extractor` command in a page: in shell blocks and in inline code."""
    scripts = [*FENCED.findall(text), *INLINE.findall(text)]
    return [words[1:] for script in scripts for words in shell_commands(script) if words[:1] == ["extractor"]]


def usage_error(arguments: list[str]) -> str | None:
    """The usage error that these arguments give, if any. The command is not run."""
    command = typer.main.get_command(app)
    silenced = [command]
    for one in silenced:
        one.callback = None
        silenced += getattr(one, "commands", {}).values()
    try:
        # `--help` prints its page and is not an error.
        command.main(arguments, prog_name="extractor", standalone_mode=False)
    except Exception as error:  # typer brings its own click: there is no public class to name
        return str(error) or type(error).__name__
    return None


def test_the_page_of_commands_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    assert written == commands_page(), "docs/commands.md is not what --help says: run `python tests/update_docs.py`"


def test_the_page_has_every_command() -> None:
    assert {("extract",), ("schema", "show"), ("model", "status"), ("replies", "check")} <= set(commands())


def test_the_page_has_what_the_installed_command_prints() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "extractor", "extract", "--help"],
        capture_output=True,
        env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    printed = done.stdout.decode().replace("\r\n", "\n")
    assert printed.partition("\n")[2] == help_of(("extract",)).partition("\n")[2]


def test_the_readme_shows_commands() -> None:
    shown = {tuple(arguments[:1]) for arguments in documented(README)}
    assert ("extract",) in shown, "README.md has no block ```bash that shows `extractor extract`"


def test_the_page_of_fields_is_current() -> None:
    written = FIELDS.read_text(encoding="utf-8") if FIELDS.is_file() else ""
    assert written == fields_page(), (
        "docs/fields.md is not what extractor/fields.py says: run `python tests/update_docs.py`"
    )


def test_the_page_of_prompts_shows_the_request_as_it_is() -> None:
    assert PROMPTS.read_text(encoding="utf-8") == prompts_page(), "run `python tests/update_docs.py`"


def test_every_type_and_marker_has_an_example() -> None:
    explained = {entry.name for entry in entries() if entry.words and entry.examples}
    assert explained == {*fields.__all__} - INTERNAL


@pytest.mark.parametrize(
    ("example", "case"),
    [
        pytest.param(example, case, id=f"{entry.name}-{case.text}")
        for entry in entries()
        for example in entry.examples
        for case in example.cases
    ],
)
def test_an_example_of_a_field_is_what_the_engine_computes(example: Example, case: Case) -> None:
    assert computed(example, case) == case


@pytest.mark.parametrize("arguments", documented(PAGES), ids=" ".join)
def test_every_command_in_a_page_parses(arguments: list[str]) -> None:
    assert usage_error(arguments) is None


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_example_in_the_help_parses(words: tuple[str, ...]) -> None:
    examples = re.findall(r"^ +Example: (.+(?:\n .+)*)", help_of(words), re.MULTILINE)
    assert len(examples) == (words != () and words not in {("schema",), ("model",), ("replies",), ("batch",)})
    for example in examples:
        (arguments,) = documented(f"```bash\n{' '.join(example.split())}\n```")
        assert arguments[: len(words)] == list(words)
        assert usage_error(arguments) is None


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("extractor extract a.txt  # why", [["extract", "a.txt"]]),
        ("$ extractor --help", [["--help"]]),
        ("pip install -e '.[local]' && extractor extract seeds -o r.jsonl", [["extract", "seeds", "-o", "r.jsonl"]]),
        ("cat a.txt | extractor extract - > r.jsonl", [["extract", "-"]]),
        ("KEY=… extractor extract \\\n  'a b/**/*.txt'", [["extract", "a b/**/*.txt"]]),
        ("python -m extractor.runs.run\npip install meeting-extractor", []),
    ],
)
def test_finds_the_commands_of_a_page(script: str, expected: list[list[str]]) -> None:
    assert documented(f"text\n\n```bash\n{script}\n```\n\n```python\nextractor extract --no\n```\n") == expected
    assert documented("so `extractor schema list` says, `extractor` not") == [["schema", "list"]]


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("extract", "inputs"),
        ("extract a.txt --modell local", "--modell"),
        ("extract a.txt --mode sometimes", "sometimes"),
        ("extract a.txt -o", "-o"),
        ("schema shw meeting", "shw"),
        ("scheme list", "scheme"),
        ("schema list meeting", "meeting"),
    ],
)
def test_a_wrong_command_is_noticed(command: str, wrong: str) -> None:
    assert wrong in (usage_error(command.split()) or "")


def test_the_checks_run_the_readme_s_test_command() -> None:
    shown = [words for script in FENCED.findall(README) for words in shell_commands(script)]
    assert ["pytest", "-n", "auto"] in shown, "README.md does not show `pytest -n auto` as a command"
    assert re.search(r"^check pytest -n auto\b", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
