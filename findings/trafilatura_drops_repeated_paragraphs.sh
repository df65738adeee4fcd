#!/usr/bin/env bash
# trafilatura 2.3.1, extract() with deduplicate=False (the default): a paragraph that stands twice in a page comes out
# once if the content is in a container that it does not know by name, such as <div class="TRS_Editor">, which many
# Chinese government sites use; in <article> it comes out twice. Resolutions and minutes do repeat paragraphs.
#
# Seen: "TRS_Editor: 1 of 2, article: 2 of 2".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'trafilatura==2.3.1' lxml_html_clean
cd "$work"
"$work/venv/bin/python" - <<'PY'
import trafilatura

repeated = "会议要求，各乡镇要建立防汛台账，落实值班制度，确保安全度汛，并于每周五向县防汛办报告情况。"
others = [f"第{n}项议程是听取第{n}组的汇报，与会人员就第{n}组提出的问题作了认真讨论，形成了一致意见，并作了记录。" for n in "一二三四五六"]
paragraphs = "".join(f"<p>{text}</p>" for text in [*others[:3], repeated, *others[3:], repeated])


def times(before: str, after: str) -> int:
    page = f"<html><body>{before}{paragraphs}{after}</body></html>"
    return (trafilatura.extract(page, deduplicate=False, favor_recall=True) or "").count(repeated)


plain, known = times('<div class="TRS_Editor">', "</div>"), times("<article>", "</article>")
print(f"TRS_Editor: {plain} of 2, article: {known} of 2")
assert (plain, known) == (1, 2), "the behaviour has changed"
PY
