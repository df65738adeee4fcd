"""Settings as a batch keeps them until its replies are collected."""

from __future__ import annotations

from typing import Any

import pytest

from extractor.runs.settings import Settings

REQUIRED: dict[str, Any] = {
    **{"inputs": ["a.txt"], "schema": "meeting", "model": "openai/m", "base_url": None, "replies": None},
    **{"mode": "auto", "encoding": None, "text_column": None, "id_column": None},
}


def test_settings_are_read_back_as_they_were() -> None:
    settings = Settings(**REQUIRED, second_pass=True, retry=("network",), max_failures=3)
    assert Settings.from_json(settings.to_json()) == settings


def test_settings_of_version_0_1_keep_their_meaning() -> None:
    """Its replies are paid for."""
    saved = Settings(**REQUIRED).to_json()
    for name in ("second_pass", "verify", "separate_fields"):
        del saved[name]
    old = {**saved, "fill": True, "confirm": False, "apart": True}
    assert Settings.from_json(old) == Settings(**REQUIRED, second_pass=True, separate_fields=True)


def test_settings_of_another_version_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="unknown settings colour"):
        Settings.from_json({**Settings(**REQUIRED).to_json(), "colour": 1})
