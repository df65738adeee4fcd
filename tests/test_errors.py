"""The tree of errors."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator

from scripted import ROOT
from update_docs import commands, help_of

from extractor import errors


def every_error(of: type[errors.ExtractorError] = errors.ExtractorError) -> list[type[errors.ExtractorError]]:
    return [of, *(error for direct in of.__subclasses__() for error in every_error(direct))]


def test_every_error_has_its_own_kind_and_can_be_pickled() -> None:
    kinds = [error.kind for error in every_error()]
    assert len(kinds) == len(set(kinds))
    for error in every_error():
        sent = error("What happened.", status=429, retry_after=3.0)
        got = pickle.loads(pickle.dumps(sent))
        assert (type(got), str(got), got.status, got.retry_after) == (error, str(sent), 429, 3.0)


def test_the_tree_in_the_docstring_lists_every_error() -> None:
    for error in every_error():
        assert f" {error.__name__} " in f"{errors.__doc__} ".replace("\n", " ")


# Options of other programs that messages name.
OTHERS = {"--force-reinstall", "--no-cache-dir", "--record-replies"}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")


def texts_of_the_package() -> Iterator[tuple[str, str]]:
    """Each string in the code but docstrings, and the file it is in."""
    for path in sorted((ROOT / "extractor").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                yield str(path.relative_to(ROOT)), node.value


def test_messages_name_only_options_that_exist() -> None:
    exist = {option for words in commands() for option in OPTION.findall(help_of(words))} | {"--help"}
    named = {(option, path) for path, text in texts_of_the_package() for option in OPTION.findall(text)}
    assert len(named) > 30
    assert [(option, path) for option, path in sorted(named) if option not in exist | OTHERS] == []


def test_hints_that_raise_or_lower_something_name_its_option() -> None:
    for error in every_error():
        for sentence in re.split(r"(?<=[.;:]) ", error.hint):
            if re.search(r"\b(raise|lower|higher)\b", sentence, re.IGNORECASE) and "limit" not in sentence:
                assert OPTION.search(sentence), (error.__name__, sentence)
