"""The types of an output line, which `extractor extract` writes for each speech as one JSON object.

The JSON Schema (`extractor schema show --output`) and the table in docs/output.md are generated from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

FORMAT: Literal[2] = 2
"""Incremented when a key is renamed or a value changes its type, so that older outputs are recognised."""

_closed = with_config(ConfigDict(extra="forbid"))


@_closed
class EvidenceEntry(TypedDict):
    """Where a value stands: `source_text[start:end] == text`, in code points of the decoded source."""

    text: Annotated[str, Field(description="the source's own characters, noise included")]
    start: Annotated[int, Field(description="first character")]
    end: Annotated[int, Field(description="the position after the last character")]


@_closed
class MarkEntry(TypedDict):
    """An item that is less certain than the others."""

    field: str
    item: Annotated[int | None, Field(description="its number in the list, from 0; null for a single value")]
    marks: Annotated[list[str], Field(description="`folded`, `second_pass`, `unconfirmed`")]


@_closed
class CoverageEntry(TypedDict):
    """The places in the text that call for an item of a field, and whether any evidence touches them."""

    expected: Annotated[int, Field(description="number of places that call for an item")]
    cited: Annotated[int, Field(description="how many of them some evidence, of any field, touches")]
    uncited: Annotated[list[EvidenceEntry], Field(description="the other places")]


@_closed
class ProblemEntry(TypedDict):
    """A question or a value that did not make it into the record."""

    kind: Annotated[str, Field(description="`ungrounded`, `unreadable`, `reworded`, `unsupported`, `conflict` …")]
    field: Annotated[str, Field(description="`officials`, `officials.roles` …")]
    value: Annotated[str | None, Field(description="the words in question")]
    start: Annotated[int | None, Field(description="where the words were looked for, in code points")]
    end: int | None
    detail: Annotated[str, Field(description="the reason")]


@_closed
class Tokens(TypedDict):
    """The cost of questions."""

    requests: Annotated[int, Field(description="questions that were answered")]
    input_tokens: int
    cached_tokens: Annotated[int, Field(description="input tokens that the provider read from its cache")]
    output_tokens: int


@_closed
class ReaskedUsage(Tokens):
    """The cost of questions that were asked again."""

    cost: Annotated[float | None, Field(description="US dollars; null if no price is known")]


@_closed
class FieldUsage(TypedDict, total=False):
    """The fingerprint of a field, and the cost of its questions. Zeros are left out."""

    fingerprint: Required[Annotated[str, Field(description="8 hexadecimal digits that differ if values could")]]
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasked: Annotated[dict[str, int], Field(description="the part for questions that were asked again")]
    retries: int


@_closed
class Source(TypedDict):
    """Where the speech comes from."""

    path: Annotated[str, Field(description="the input as it was given; `#N` is the row of a table")]
    sha256: Annotated[str, Field(description="of the file's bytes, or of the UTF-8 text of a table's row")]
    start: Annotated[int, Field(description="first character of the speech, in code points")]
    end: Annotated[int, Field(description="the position after its last character")]


@_closed
class Run(Tokens):
    """What produced the line, and the cost of its questions, including those of earlier runs."""

    schema: Annotated[str, Field(description="the schema's name")]
    recipe: Annotated[str, Field(description="12 hexadecimal digits that differ whenever records could")]
    model: Annotated[str, Field(description="the model's name in requests")]
    cost: Annotated[float | None, Field(description="US dollars; null if no price is known")]
    reasked: Annotated[
        ReaskedUsage,
        Field(description="the part for questions asked again after an invalid or truncated answer"),
    ]
    retries: Annotated[int, Field(description="attempts that failed before a question was answered")]
    fields: Annotated[dict[str, FieldUsage], Field(description="the same for each field of the record")]


@_closed
class OutputLine(TypedDict):
    """One speech."""

    format: Annotated[Literal[2], Field(description="version number of this format")]
    id: Annotated[str, Field(description="file stem or row id; `#2` is the second speech of a document")]
    source: Source
    record: Annotated[dict[str, Any], Field(description="the schema's record")]
    evidence: Annotated[
        dict[str, list[EvidenceEntry]],
        Field(description="the evidence of fields whose values hold none themselves, such as plain strings"),
    ]
    marks: Annotated[list[MarkEntry], Field(description="items that are less certain than the others")]
    coverage: Annotated[
        dict[str, CoverageEntry],
        Field(description="per field with `Expects`: places that call for an item, and those uncited"),
    ]
    problems: Annotated[
        list[ProblemEntry], Field(description="questions and values that did not make it into the record")
    ]
    run: Run
