"""Structured extraction from Chinese government speeches: every value points at the characters it came from.

    from extractor import extract

    for done in extract("speeches/", schema="meeting"):
        for record, line in zip(done.records, done.lines):
            print(line["id"], record.date)

Modules are loaded when one of their names is first used, so `import extractor` is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extractor.api import Done, Extraction, Failed, extract
    from extractor.authoring.check import Findings, check_schema
    from extractor.document import Document
    from extractor.errors import (
        BudgetSpentError,
        ExtractorError,
        KeyMissingError,
        KeyRefusedError,
        ModelMissingError,
        NotRecordedError,
        QuotaUsedUpError,
        SetupError,
        TooManyFailuresError,
    )
    from extractor.llm.recordings import Recordings
    from extractor.output.files import OutputError
    from extractor.pipeline.output_line import line_schema
    from extractor.pipeline.read.read import InputError, ReadOptions, Unreadable, read
    from extractor.runs.summary import Summary
    from extractor.schema.loading import Schema, load_schema
    from extractor.schema.shape import SchemaError

_MODULES = {
    "schema.loading": ("Schema", "load_schema"),
    "document": ("Document",),
    "authoring.check": ("Findings", "check_schema"),
    "pipeline.output_line": ("line_schema",),
    "errors": (
        "BudgetSpentError",
        "ExtractorError",
        "KeyMissingError",
        "KeyRefusedError",
        "ModelMissingError",
        "NotRecordedError",
        "QuotaUsedUpError",
        "SetupError",
        "TooManyFailuresError",
    ),
    "api": ("Done", "Extraction", "Failed", "extract"),
    "output.files": ("OutputError",),
    "pipeline.read.read": ("InputError", "ReadOptions", "Unreadable", "read"),
    "runs.summary": ("Summary",),
    "schema.shape": ("SchemaError",),
    "llm.recordings": ("Recordings",),
}

__all__ = [
    "BudgetSpentError",
    "Document",
    "Done",
    "Extraction",
    "ExtractorError",
    "Failed",
    "Findings",
    "InputError",
    "KeyMissingError",
    "KeyRefusedError",
    "ModelMissingError",
    "NotRecordedError",
    "OutputError",
    "QuotaUsedUpError",
    "ReadOptions",
    "Recordings",
    "Schema",
    "SchemaError",
    "SetupError",
    "Summary",
    "TooManyFailuresError",
    "Unreadable",
    "check_schema",
    "extract",
    "line_schema",
    "load_schema",
    "read",
]


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"extractor.{module}"), name)
    raise AttributeError(f"module 'extractor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
