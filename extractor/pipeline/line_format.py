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
    start: Annotated[int, Field(description="offset of the first character")]
    end: Annotated[int, Field(description="offset after the last character")]


@_closed
class MarkEntry(TypedDict):
    """An item that is less certain than others."""

    field: Annotated[str, Field(description="the item's field")]
    item: Annotated[int | None, Field(description="its index in the field's list; null if the field is not a list")]
    marks: Annotated[list[str], Field(description="one or more of the [marks](#marks)")]


@_closed
class CoverageEntry(TypedDict):
    """The places in the text that call for an item of a field, and whether any evidence touches them."""

    expected: Annotated[int, Field(description="numbers, dates, persons or clauses that call for an item of the field")]
    cited: Annotated[int, Field(description="how many of them the evidence of an item, of any field, touches")]
    uncited: Annotated[list[EvidenceEntry], Field(description="the others")]


@_closed
class ProblemEntry(TypedDict):
    """A question or a value that did not make it into the record."""

    kind: Annotated[str, Field(description="one of the [kinds of problem](#problems)")]
    field: Annotated[str, Field(description="the field, or `field.part`")]
    value: Annotated[str | None, Field(description="the model's words")]
    start: Annotated[int | None, Field(description="the passage or sentence where they were looked for")]
    end: Annotated[int | None, Field(description="where that ends")]
    detail: Annotated[str, Field(description="the reason, as a sentence")]


@_closed
class Tokens(TypedDict):
    """The cost of questions."""

    requests: Annotated[int, Field(description="questions that were answered")]
    input_tokens: Annotated[int, Field(description="tokens read")]
    cached_tokens: Annotated[int, Field(description="input tokens that the provider took from its cache")]
    output_tokens: Annotated[int, Field(description="tokens written")]


@_closed
class ReaskedUsage(Tokens):
    """The cost of questions that were asked again."""

    cost: Annotated[float | None, Field(description="US dollars; null if no price is known")]


@_closed
class FieldUsage(TypedDict, total=False):
    """The fingerprint of a field, and the cost of its questions. Zeros are left out."""

    fingerprint: Required[
        Annotated[
            str,
            Field(
                description="digest of everything that decides the field's values; if it changes, the field is asked again"
            ),
        ]
    ]
    requests: Annotated[int, Field(description="the field's share, as in `run`; zeros are left out")]
    input_tokens: Annotated[int, Field(description="tokens read")]
    cached_tokens: Annotated[int, Field(description="input tokens from the provider's cache")]
    output_tokens: Annotated[int, Field(description="tokens written")]
    estimated: Annotated[
        int, Field(description="of these, questions whose tokens are estimated, as the endpoint did not report them")
    ]
    reasked: Annotated[dict[str, int], Field(description="of these, questions that were asked again")]
    retries: Annotated[int, Field(description="attempts after the first one")]


@_closed
class Source(TypedDict):
    """Where the speech comes from."""

    path: Annotated[
        str,
        Field(description="the path of the input as it was given, never absolute; `#N` after it is the row of a table"),
    ]
    sha256: Annotated[
        str, Field(description="digest of the file's bytes; for a row of a table, of the row's text in UTF-8")
    ]
    row: Annotated[
        str,
        Field(description="digest of the title, the date and the kept columns of a table row; empty if there are none"),
    ]
    start: Annotated[int, Field(description="where the speech begins in the decoded text")]
    end: Annotated[int, Field(description="where it ends")]


@_closed
class Run(TypedDict):
    """What produced the line, and the cost of its questions, including those of earlier runs.

    The keys of Tokens are written out: inherited keys would come first, but in a line they come fourth.
    """

    schema: Annotated[str, Field(description="name of the schema")]
    recipe: Annotated[
        str, Field(description="digest of everything that decides the records: schema, prompts, model, settings")
    ]
    model: Annotated[str, Field(description="name of the model")]
    requests: Annotated[int, Field(description="questions that were answered")]
    input_tokens: Annotated[int, Field(description="tokens read")]
    cached_tokens: Annotated[int, Field(description="input tokens that the provider took from its cache")]
    output_tokens: Annotated[int, Field(description="tokens written")]
    cost: Annotated[float | None, Field(description="US dollars; null if no price is known")]
    reasked: Annotated[
        ReaskedUsage, Field(description="questions that were asked again because an answer did not fit or was cut off")
    ]
    retries: Annotated[int, Field(description="attempts after the first one")]
    fields: Annotated[dict[str, FieldUsage], Field(description="field → what its questions cost")]


DocumentKind = Literal["speech", "report", "news", "minutes", "notice", "other"]
"""What a document is: 讲话稿, 工作报告, 会议报道, 会议纪要, 通知 and other official documents, or another text."""


@_closed
class CardEntry(TypedDict):
    """A value of the card, and where it stands."""

    text: Annotated[str, Field(description="the words of the text, without line breaks")]
    evidence: Annotated[list[EvidenceEntry], Field(description="where they stand; empty if they stand beside the text")]


@_closed
class KindEntry(TypedDict):
    """The kind of a document, and the words that show it."""

    text: Annotated[DocumentKind, Field(description="one of the [kinds of document](#the-document)")]
    evidence: Annotated[list[EvidenceEntry], Field(description="the words that show it")]


@_closed
class Card(TypedDict):
    """What a reader looks for first. What the text does not show is null."""

    title: Annotated[
        CardEntry | None, Field(description="the document's title; if the text has none, the title of the table row")
    ]
    kind: Annotated[KindEntry | None, Field(description="one of the [kinds of document](#the-document)")]
    meeting: Annotated[CardEntry | None, Field(description="the name of the meeting")]
    place: Annotated[CardEntry | None, Field(description="where it was held")]
    body: Annotated[
        CardEntry | None, Field(description="who convened it, issued the document, or gives the report (市委、市政府)")
    ]
    speaker: Annotated[CardEntry | None, Field(description="the name of the person whose speech it is")]


CARD_PARTS = tuple(Card.__annotations__)


@_closed
class OutputLine(TypedDict):
    """One speech."""

    format: Annotated[Literal[2], Field(description="version of this layout")]
    id: Annotated[str, Field(description="the document's id; `ID#1`, `ID#2` … if the document holds several speeches")]
    source: Source
    columns: Annotated[
        dict[str, str],
        Field(description="column → cell, for the columns named with `--keep-column`; empty for a missing cell"),
    ]
    document: Card
    record: Annotated[dict[str, Any], Field(description="the values, in the shape that the schema declares")]
    evidence: Annotated[
        dict[str, list[EvidenceEntry]],
        Field(description="field → where its values stand, for fields that are plain strings and can't hold it"),
    ]
    marks: Annotated[list[MarkEntry], Field(description="items that are less certain than others")]
    coverage: Annotated[
        dict[str, CoverageEntry],
        Field(description="field → how many places in the text call for an item, and how many are cited"),
    ]
    problems: Annotated[list[ProblemEntry], Field(description="what did not make it into the record, and why")]
    run: Run
