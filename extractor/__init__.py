"""Structured extraction from Chinese government speeches: every value points at the characters it came from.

    from extractor import extract

    for done in extract("speeches/", schema="meeting"):
        for record, line in zip(done.records, done.lines):
            print(line["id"], record.date)

What the names below need is loaded when one of them is used: `import extractor` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extractor.catalog import Schema, load_schema
    from extractor.data import Document
    from extractor.describe import line_schema
    from extractor.faults import (
        BudgetSpent,
        Fault,
        KeyMissing,
        KeyRefused,
        ModelMissing,
        NotRecorded,
        QuotaUsedUp,
        SetupFault,
        TooManyFailures,
    )
    from extractor.library import Done, Extraction, Failed, document, extract
    from extractor.output import OutputError
    from extractor.read import InputError, ReadOptions, Unreadable, read
    from extractor.run import Summary
    from extractor.shape import SchemaError
    from extractor.tape import Tape

_ROOMS = {
    "catalog": ("Schema", "load_schema"),
    "data": ("Document",),
    "describe": ("line_schema",),
    "faults": (
        "BudgetSpent",
        "Fault",
        "KeyMissing",
        "KeyRefused",
        "ModelMissing",
        "NotRecorded",
        "QuotaUsedUp",
        "SetupFault",
        "TooManyFailures",
    ),
    "library": ("Done", "Extraction", "Failed", "document", "extract"),
    "output": ("OutputError",),
    "read": ("InputError", "ReadOptions", "Unreadable", "read"),
    "run": ("Summary",),
    "shape": ("SchemaError",),
    "tape": ("Tape",),
}

__all__ = [
    "BudgetSpent",
    "Document",
    "Done",
    "Extraction",
    "Failed",
    "Fault",
    "InputError",
    "KeyMissing",
    "KeyRefused",
    "ModelMissing",
    "NotRecorded",
    "OutputError",
    "QuotaUsedUp",
    "ReadOptions",
    "Schema",
    "SchemaError",
    "SetupFault",
    "Summary",
    "Tape",
    "TooManyFailures",
    "Unreadable",
    "document",
    "extract",
    "line_schema",
    "load_schema",
    "read",
]


def __getattr__(name: str) -> Any:
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f"extractor.{room}"), name)
    raise AttributeError(f"module 'extractor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
