"""Finds who voices what a text says: 何志远 in 何志远要求，各乡镇要…, 会议 in 会议强调，….

Words of speech count with their subject only, and not as nouns (按照会议要求, 提出的意见, 要求是). They hold to the end
of the paragraph, or until the next such words. There are two exceptions. A quotation of whole sentences ends what
its speaker says. And in a speech, where the others are only cited, they hold for their own sentence.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from extractor.lang.directives import is_report
from extractor.lang.people import find_people
from extractor.lang.sentences import SENTENCE_ENDING, Span, clauses, paragraphs, sentences_of
from extractor.lang.surnames import OFFICE


class Voiced(NamedTuple):
    """What `text[start:end]` says is voiced by the speaker (a span), or by nobody who is named."""

    start: int
    end: int
    speaker: Span | None


# A noun follows or precedes: 会议要求的, 提出的意见, 三点要求, 要求不到位.
_NOT_AFTER = r"(?!的|是|和|与|及|或|、|不[到严高]|[很更]高|越|案|书|[上下中内]|[来去]看|[。；;！!？?]|$)"
_NOT_BEFORE = r"(?<![的项点条些有高新严总])"
_VERB = re.compile(
    rf"{_NOT_BEFORE}(?:强调指出|强调|指出|要求|希望|号召|认为|建议|勉励){_NOT_AFTER}"
    # These have other meanings unless what is said follows: 表示感谢, 提出申请, 说明.
    r"|(?:表示|说|批示|指示|提出|提到)(?:道)?(?=[，,：:“\"])"
    r"|(?:提出|提了|讲了?|作出?了?|作了?)[^，,。；;：:\n的]{0,12}(?:要求|意见|希望|建议|批示|指示)(?=[，,：:。])"
)
# Verbs that are no nouns: even if it is not clear who says it, the one before does not.
_ONLY_VERB = re.compile("强调|指出|认为|表示|说")
# 根据省委要求, 落实会议提出…: the words are a rule to go by.
_GOING_BY = "按照|根据|依据|依照|遵照|遵循|落实|贯彻|执行|围绕|对照|对标|结合|符合|达到|响应|违反|针对|适应|满足|服从|听从|领会|传达|转达|转发|牢记"
_RULE = f"{_GOING_BY}|按|为了?|以|把|将|从|让|使|由于|关于"
_CITED = re.compile(rf"(?:{_RULE}|向|给|听取|学习)[^，,。]{{0,30}}$")
_NOT_A_SUBJECT = re.compile(
    rf"{_RULE}|也就|可以|应该|应当|比如|比方|譬如|例如|如果|假如|即使|总的|具体|换句话|或者|严格|明确|总体|工作|有关要|相关要|各项|统一|基本"
)
# What may stand between the subject and the verb. Each part is bounded, so that the time is linear.
_SHORT_ADVERBS = r"(?:还|也|又|再次|再|特别|反复|进一步|同时|一致|明确|最后|首先|郑重|多次|一再|着重|并|均|都|曾|严肃|强烈|殷切|随后|当天|今天|日前|今日|\d{1,2}日){0,5}"
_WHILE = r"在[^，,。]{1,40}?(?:上|中|时|后|期间|会)"
_ADVERBS = rf"{_SHORT_ADVERBS}(?:{_WHILE}|[对就][^，,。]{{1,40}}?)?{_SHORT_ADVERBS}"
_BODY = (
    r"(?:大会|会议|全会|例会|[座谈推进动员部署视频电话现场常委]会|声明|通知|通告|公告|公报|意见|方案|文件|决定|办法|规定|条例|规划|纲要|报告|讲话|文章"
    r"|党委|[省市县区州盟旗]委|委员会|政府|人大|政协|[局厅部办院司]|部门|单位|小组|指挥部|办公室|检察院|协会|集团|公司|中心"
    rf"|{OFFICE}|[省市县区](?:里|级)|上级|中央|大家|与会[^，,。]{{0,6}}|代表们?|委员们?|专家们?|领导(?:同志)?|负责人|发言人|同志)"
)
_SUBJECT = re.compile(
    rf"(?P<who>《[^《》\n]{{2,60}}》|(?![我咱本])(?:党的)?[^，,。；;：:“”的在请让使把被向将给发]{{0,24}}?{_BODY}){_ADVERBS}$"
)
_FIRST_PERSON = re.compile(rf"(?:我们?|咱们?|本人|笔者){_ADVERBS}")
_PRONOUN = re.compile(rf"(?:他|她)(?:们)?{_ADVERBS}")
_NO_SUBJECT = re.compile(_ADVERBS)
_MEANWHILE = re.compile(rf"{_SHORT_ADVERBS}在[^，,。]{{1,40}}[时后中]{_SHORT_ADVERBS}")
_SAID_OF = re.compile(r"的$|被")
_LISTED = re.compile(rf"(?:副?{OFFICE}|同志)?[、和与及][^，,。、]{{0,16}}")
_OFFICE_AFTER = re.compile(f"副?{OFFICE}")
# How far back the person is looked for that 他 stands for.
_PRONOUN_REACH = 200
# How far back its subject is looked for, if a clause has none.
_SENTENCE_REACH = 300
_CLOSING_QUOTES = re.compile('[”"’」』]*')
_QUOTE = re.compile(r"[，,：:\s]{0,2}“")


def speaker_at(text: str, place: int) -> Span | None:
    """Who voices what stands at `place`; None if the text does not say."""
    voiced = find_voiced(text)
    at = bisect_right(voiced, place, key=lambda one: one.start) - 1
    return voiced[at].speaker if at >= 0 and place < voiced[at].end else None


@lru_cache(maxsize=128)
def find_voiced(text: str) -> tuple[Voiced, ...]:
    """The stretches of clean Simplified `text` that follow words of speech, in order; a later one ends an earlier."""
    people = find_people(text)
    report = is_report(text)
    found: list[Voiced] = []
    spans = iter(clauses(text))
    clause = next(spans, None)
    for begin, end in paragraphs(text):
        ends = [j for _, j in sentences_of(text, begin, end, SENTENCE_ENDING)]
        while clause is not None and clause[0] < end:
            said = next(
                (one for verb in _verbs(text, clause) if (one := _attribute(text, clause, verb, people, found))), None
            )
            if said is not None:
                verb, speaker = said
                usual = end if report else ends[bisect_right(ends, verb[0])]
                found.append(Voiced(verb[1], _end_of_speech(text, verb[1], usual, end), speaker))
            clause = next(spans, None)
    return tuple(found)


def _verbs(text: str, clause: Span) -> Iterator[Span]:
    """The words of speech of a clause. What follows the clause tells verbs from nouns."""
    for verb in _VERB.finditer(text, clause[0], min(clause[1] + 1, len(text))):
        if verb.start() < clause[1] and not _NOT_A_SUBJECT.match(text, clause[0], verb.start()):
            yield verb.span()


def _attribute(
    text: str, clause: Span, verb: Span, people: Sequence[Span], found: Sequence[Voiced]
) -> tuple[Span, Span | None] | None:
    """The verb, and who says what follows it; None if nobody says anything."""
    begin = _CLOSING_QUOTES.match(text, clause[0]).end()  # type: ignore[union-attr]
    before = text[begin : verb[0]]
    if _SAID_OF.search(before) or _CITED.match(before):
        return None
    if _FIRST_PERSON.fullmatch(before):
        return verb, None
    if _PRONOUN.fullmatch(before):
        return verb, _last_person(people, found, verb[0])
    if _MEANWHILE.fullmatch(before):
        return _carried_on(text, begin, verb, people, found)
    named = _people_between(people, begin, verb[0])
    if named:
        lead, rest = text[begin : named[0][0]], text[named[-1][1] : verb[0]]
        cited = _CITED.search(lead) or re.search(r"的[^在对就，,]{0,8}$", rest)
        return None if cited else (verb, _joined(text, named))
    if _NO_SUBJECT.fullmatch(before):
        return _carried_on(text, begin, verb, people, found)
    if re.search(_GOING_BY, before):
        return None
    subject = _SUBJECT.match(before)
    if subject is not None:
        return verb, (begin + subject.start("who"), begin + subject.end("who"))
    is_said = _ONLY_VERB.match(text, verb[0], verb[1]) and text[verb[1] : verb[1] + 1] in tuple("，,：:“")
    return (verb, None) if is_said else None


def _people_between(people: Sequence[Span], start: int, end: int) -> Sequence[Span]:
    named = people[bisect_left(people, (start, 0)) : bisect_left(people, (end, 0))]
    return [span for span in named if span[1] <= end]


def _joined(text: str, named: Sequence[Span]) -> Span:
    """The first person named, with those after it in one list: 何志远、吴倩. A bare surname needs its office: 陈省长."""
    start, end = named[0]
    for i, j in named[1:]:
        if not _LISTED.fullmatch(text, end, i):
            break
        end = j
    office = _OFFICE_AFTER.match(text, end) if end - start == 1 else None
    return start, office.end() if office else end


def _last_person(people: Sequence[Span], found: Sequence[Voiced], verb: int) -> Span | None:
    """The person that 他 stands for: who spoke last, or was named last, shortly before."""
    near = _people_between(people, verb - _PRONOUN_REACH, verb)
    spoke = found[-1].speaker if found else None
    if spoke is not None and found[-1].end >= verb - _PRONOUN_REACH and _people_between(people, *spoke):
        return spoke
    return near[-1] if near else None


def _carried_on(
    text: str, clause: int, verb: Span, people: Sequence[Span], found: Sequence[Voiced]
) -> tuple[Span, Span | None] | None:
    """并强调， and 强调，: whoever speaks already goes on, or else the last person named in the sentence."""
    if found and found[-1].start < clause < found[-1].end:
        return verb, found[-1].speaker
    sentence = max(text.rfind(mark, max(0, clause - _SENTENCE_REACH), clause) for mark in "。！？\n") + 1
    before = _people_between(people, max(sentence, clause - _SENTENCE_REACH), clause)
    if not before:
        return None
    edge = max(text.rfind(mark, sentence, before[-1][0]) for mark in "，,。；;：:\n") + 1
    return verb, _joined(text, [span for span in before if span[0] >= edge])


def _end_of_speech(text: str, start: int, usual: int, paragraph_end: int) -> int:
    """The end of what is said: of a quotation of whole sentences, or else the `usual` one."""
    opening = _QUOTE.match(text, start)
    if opening is None:
        return usual
    closing = text.find("”", opening.end(), paragraph_end)
    if closing < 0 or not re.search("[。！？!?；;]", text[opening.end() : closing]):
        return usual
    return closing
