"""Documents that differ in every value, and the right answer to a question about any passage of them.

Each document names itself (D0001), so the stand-in endpoint can tell whose passage it was asked about.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_SURNAMES = "何周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许吕施张孔曹严华金魏陶姜"
_GIVEN = "志立文海国建春晓明德永家学世光伟远新博涛敏静帆宁波平林森"
_PLACES = "青石白水红旗东风长岭双桥新店大营柳沟槐树梅园松岗桃源杏林"
DOCUMENT = re.compile(r"D\d{4}")
_PASSAGE = re.compile("【原文】\n?(.*)【原文完】", re.DOTALL)


def name_of(number: int, part: int = 0) -> str:
    """A person's name that no other paragraph of the corpus holds."""
    seed = number * 7 + part
    letters = _GIVEN[seed % len(_GIVEN)] + _GIVEN[(seed // len(_GIVEN) * 5 + seed * 3 + 1) % len(_GIVEN)]
    return _SURNAMES[number % len(_SURNAMES)] + letters


def text_of(number: int, paragraphs: int = 1) -> str:
    """The text of a document. From about 25 paragraphs on it takes several questions."""
    head = f"在全县D{number:04}号水利工作会议上的讲话\n2019年5月{number % 28 + 1}日\n同志们：\n"
    return head + "".join(_paragraph(number, part) for part in range(paragraphs))


def _paragraph(number: int, part: int) -> str:
    start = (number * 3 + part) * 2 % len(_PLACES)
    place = (_PLACES + _PLACES)[start : start + 2]
    return (
        f"县长{name_of(number, part)}主持D{number:04}号会议。去年，全县在{place}村新建水库{number + part + 2}处，"
        f"受益群众{1000 + number * 40 + part}人。今年要加强{place}村{number + part + 2}号水库管理。"
        f"到年底，确保完成水利投资{number + 1}.{part % 10}亿元。\n"
    )


def write_files(folder: Path, count: int, long_ones: bool = False) -> dict[str, str]:
    """Write documents D0001 … as text files; every fifth is long with `long_ones`. Returns id → text."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        f"D{number:04}": text_of(number, 70 if long_ones and number % 5 == 0 else 1) for number in range(1, count + 1)
    }
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return texts


def write_table(path: Path, count: int) -> dict[str, str]:
    """Write documents D0001 … as rows of a JSONL file. Returns id → text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = {f"D{number:04}": text_of(number) for number in range(1, count + 1)}
    rows = (json.dumps({"id": name, "text": text}, ensure_ascii=False) + "\n" for name, text in texts.items())
    path.write_text("".join(rows), encoding="utf-8")
    return texts


def passage_of(body: Any) -> str:
    """The passage that a request is about."""
    texts = [str(message["content"]) for message in body["messages"] if message["role"] == "user"]
    found = _PASSAGE.search(texts[0]) if texts else None
    return found[1] if found else ""


def answer_to(body: Any) -> dict[str, Any]:
    """The right answer to a request, as a capable model would give it, without keys that it need not have."""
    facts = facts_of(passage_of(body))
    asked = body["response_format"]["json_schema"]["schema"]["properties"]
    return {name: facts[name] for name in facts if name in asked}


def facts_of(text: str) -> dict[str, Any]:
    """What a passage of the corpus holds."""
    date = re.search("2019年5月[0-9]+日", text)
    return {
        **({"date": date[0]} if date else {}),
        "officials": [
            {"name": found[1], "titles": ["县长"], "roles": ["chair"]}
            for found in re.finditer("县长([一-鿿]{3})主持", text)
        ],
        "statistics": [
            {"indicator": found[1], "value": found[2]}
            for found in re.finditer("(水库|受益群众)([0-9]+[处人])(?!号)", text)
        ],
        "targets": [{"text": found[0]} for found in re.finditer("确保完成水利投资[0-9.]+亿元", text)],
        "measures": [{"text": found[0]} for found in re.finditer("加强[一-鿿]{2}村[0-9]+号水库管理", text)],
    }
