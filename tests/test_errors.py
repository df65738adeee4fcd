"""The tree of errors."""

from __future__ import annotations

import pickle

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
