"""The types of an output line: what `extractor extract` writes, one JSON object a speech.

The JSON Schema (`extractor schema show --output`) and the table in docs/output.md are made from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

FORMAT: Literal[2] = 2
"""Raised when a key is renamed or a value changes its type, so that older outputs are recognised."""

_closed = with_config(ConfigDict(extra="forbid"))


@_closed
class EvidenceEntry(TypedDict):
    """Where a value stands: `source_text[start:end] == text`, in code points of the decoded source."""

    text: Annotated[str, Field(description="the source's own characters, noise included")]
    start: Annotated[int, Field(description="first character")]
    end: Annotated[int, Field(description="the character behind the last one")]


@_closed
class MarkEntry(TypedDict):
    """An item that is less sure than others."""

    field: str
    item: Annotated[int | None, Field(description="its number in the field's list, from 0; null for a single value")]
    marks: Annotated[list[str], Field(description="`folded`, `second_pass`, `unconfirmed`")]


@_closed
class CoverageEntry(TypedDict):
    """What of the text calls for an item of a field, and whether any evidence touches it."""

    expected: Annotated[int, Field(description="places that call for an item")]
    cited: Annotated[int, Field(description="those that the evidence of some item, of whatever field, touches")]
    uncited: Annotated[list[EvidenceEntry], Field(description="the others")]


@_closed
class ProblemEntry(TypedDict):
    """Something that was asked or answered and did not make it into the record."""

    kind: Annotated[str, Field(description="`ungrounded`, `unreadable`, `reworded`, `unsupported`, `conflict` …")]
    field: Annotated[str, Field(description="`officials`, `officials.roles` …")]
    value: Annotated[str | None, Field(description="the words in question")]
    start: Annotated[int | None, Field(description="where they were looked for, in code points of the source")]
    end: int | None
    detail: Annotated[str, Field(description="why, as a sentence")]


@_closed
class Tokens(TypedDict):
    """What questions cost."""

    requests: Annotated[int, Field(description="questions that were answered")]
    input_tokens: int
    cached_tokens: Annotated[int, Field(description="input tokens that the provider took from its cache")]
    output_tokens: int


@_closed
class ReaskedUsage(Tokens):
    """What questions cost that were asked again."""

    cost: Annotated[float | None, Field(description="US dollars; null if no price is known")]


@_closed
class FieldUsage(TypedDict, total=False):
    """What made a field's values, and what its questions cost. Zeros are left out."""

    fingerprint: Required[Annotated[str, Field(description="8 hexadecimal digits that differ whenever values could")]]
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasked: Annotated[dict[str, int], Field(description="the part of it for questions asked again")]
    retries: int


@_closed
class Source(TypedDict):
    """Where the speech comes from."""

    path: Annotated[str, Field(description="the input as it was named; `#N` behind it is the row of a table")]
    sha256: Annotated[str, Field(description="of the file's bytes, or of the UTF-8 text of a table's row")]
    start: Annotated[int, Field(description="first character of the speech, in code points of the decoded source")]
    end: Annotated[int, Field(description="the character behind its last one")]


@_closed
class Run(Tokens):
    """What made the line, and what its questions cost, whenever they were asked."""

    schema: Annotated[str, Field(description="the schema's name")]
    recipe: Annotated[str, Field(description="12 hexadecimal digits that differ whenever records could")]
    model: Annotated[str, Field(description="the model's name in requests")]
    cost: Annotated[float | None, Field(description="US dollars; null if no price is known")]
    reasked: Annotated[
        ReaskedUsage, Field(description="the part of it for questions asked again: a bad or cut-off answer")
    ]
    retries: Annotated[int, Field(description="attempts that brought no answer")]
    fields: Annotated[dict[str, FieldUsage], Field(description="the same by field of the record")]


@_closed
class OutputLine(TypedDict):
    """One speech."""

    format: Annotated[Literal[2], Field(description="number of this format")]
    id: Annotated[str, Field(description="file stem or row id; `#2` behind it is the second speech of a document")]
    source: Source
    record: Annotated[dict[str, Any], Field(description="the schema's record")]
    evidence: Annotated[
        dict[str, list[EvidenceEntry]],
        Field(description="where the values of fields stand that hold no evidence themselves, such as plain strings"),
    ]
    marks: Annotated[list[MarkEntry], Field(description="items that are less sure than others")]
    coverage: Annotated[
        dict[str, CoverageEntry],
        Field(description="for each field with `Expects`: what of the text calls for an item, and what no item cites"),
    ]
    problems: Annotated[list[ProblemEntry], Field(description="what did not make it into the record, and why")]
    run: Run
