"""The card of a document: what a reader looks for first, beside the record of any schema.

Code reads it off the text. A large model that is asked about several fields in one question is asked for the card in
the same question, and its answers stand before what code has read.
"""

from __future__ import annotations

from extractor.schema.kinds import CHOICE, NAME, VERBATIM, Kind
from extractor.schema.shape import Field, Leaf

PREFIX = "document_"
"""What the names of the card's parts begin with in a question, so that a schema may have a `title` of its own."""

CARD_KINDS = ("speech", "report", "news", "minutes", "notice", "other")
"""Kinds of text."""

_PARTS: dict[str, tuple[Kind, str]] = {
    "title": (VERBATIM, "这篇文字的标题，照抄；没有标题就不写"),
    "kind": (
        CHOICE,
        "文种：speech 讲话稿；report 工作报告；news 会议报道、新闻；minutes 会议纪要；notice 通知、意见等公文；other 其他",
    ),
    "meeting": (VERBATIM, "这次会议的名称，照抄（“全市安全生产工作会议”）；不是会议就不写"),
    "place": (VERBATIM, "会议在哪里召开，照抄（“市政府礼堂”“北京”）"),
    "body": (VERBATIM, "召开会议或者发文的机关，照抄（“市委、市政府”）"),
    "speaker": (NAME, "整篇讲话或报告是谁作的：姓名；报道里有几个人讲话的不写"),
}


def card_fields(group: str) -> tuple[Field, ...]:
    """The parts of the card as fields that share the question of `group`."""
    return tuple(_field(name, kind, description, group) for name, (kind, description) in _PARTS.items())


def _field(name: str, kind: Kind, description: str, group: str) -> Field:
    leaf = Leaf(
        name=f"{PREFIX}{name}",
        kind=kind,
        description=description,
        optional=True,
        many=False,
        longest=kind.longest,
        max_items=1,
        choices=CARD_KINDS if kind is CHOICE else (),
    )
    return Field(
        name=leaf.name,
        description=description,
        leaves=(leaf,),
        item=None,
        many=False,
        max_items=1,
        cue=None,
        unless=None,
        mood=None,
        expects=None,
        group=group,
        on_card=True,
    )
