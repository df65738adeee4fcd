"""How accurately `extractor.pipeline.split.speeches` splits texts that are joined at random.

    python benchmarks/splitting.py [--corpus FILE.jsonl]

The pieces are the eight speeches of the compilation in the seeds, and the other seeds. A corpus, with one
JSON object with `content` on each line, adds whole texts. Boilerplate around a text is joined with it and
passes through `clean`, as in the pipeline. A cut that is too far off counts twice, as missed and as wrong.
The same files always give the same figures.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from extractor.document import Document
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.split.speeches import split_speeches

ROOT = Path(__file__).parent.parent
COMPILATION = "001_b33f20b64f905d37"
NEAR = 30  # a boundary counts as found if a cut is at most so many characters away
ROUNDS = 200
MAX_PIECES = 6
SLIPS = 5


@dataclass
class Tally:
    """Counts over many joined texts: true boundaries, cuts made, and the missed and wrong ones by name."""

    expected: int = 0
    made: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def add(self, names: list[str], texts: list[str]) -> None:
        """Join the texts with line breaks, split the result, and compare."""
        begins = [sum(len(text) + 1 for text in texts[:n]) for n in range(1, len(texts))]
        made = find_boundaries("\n".join(texts))
        self.expected += len(begins)
        self.made += len(made)
        for n, begin in enumerate(begins):
            if not any(abs(begin - cut) <= NEAR for cut in made):
                self.missed[f"{names[n]} | {names[n + 1]}"] += 1
        for cut in made:
            if not any(abs(begin - cut) <= NEAR for begin in begins):
                self.wrong[names[sum(begin <= cut for begin in begins)]] += 1

    def report(self, label: str) -> None:
        found, right = self.expected - self.missed.total(), self.made - self.wrong.total()
        print(
            f"{label:<46} {found:>5} of {self.expected:>5} found  recall {found / self.expected:.3f}"
            f"   {right:>5} of {self.made:>5} right  precision {right / max(self.made, 1):.3f}"
        )
        for kind, slips in (("missed", self.missed), ("cut in", self.wrong)):
            for name, times in sorted(slips.items(), key=lambda slip: (-slip[1], slip[0]))[:SLIPS]:
                print(f"    {kind} {name}: {times} times")


def find_boundaries(text: str) -> list[int]:
    """The offsets where the second and later speeches begin."""
    return [speech.start for speech in split_speeches(clean(Document("d", "d.txt", text, "")))[1:]]


def read_seeds() -> tuple[dict[str, str], dict[str, str]]:
    """The speeches of the compilation, and the other seeds, by name."""
    seeds = {path.stem: path.read_text(encoding="utf-8").strip() for path in sorted((ROOT / "seeds").glob("*.txt"))}
    text = (ROOT / "seeds" / f"{COMPILATION}.txt").read_text(encoding="utf-8")
    annotated = json.loads((ROOT / "fixtures" / "gold" / f"{COMPILATION}.segments.json").read_text(encoding="utf-8"))
    spans = [(s["start"], s["end"]) for s in annotated["segments"] if s["kind"] != "furniture"]
    speeches = {f"{COMPILATION[:3]}#{n}": text[i:j].strip() for n, (i, j) in enumerate(spans, 1)}
    return speeches, {name[:3]: seed for name, seed in seeds.items() if name != COMPILATION}


def read_corpus(path: Path) -> dict[str, str]:
    rows = [json.loads(row)["content"] for row in path.read_text(encoding="utf-8").splitlines() if row.strip()]
    return {f"row {n}": text.strip() for n, text in enumerate(rows, 1)}


def report_joined(label: str, texts: dict[str, str], limit: int = MAX_PIECES) -> None:
    """Join two to `limit` different texts, many times."""
    rng = random.Random(20240527)  # one per table, so that no table depends on those above it
    tally = Tally()
    for _ in range(ROUNDS):
        names = rng.sample(sorted(texts), rng.randint(2, min(limit, len(texts))))
        tally.add(names, [texts[name] for name in names])
    tally.report(label)


def report_single(label: str, texts: dict[str, str]) -> None:
    cut = {name: found for name, text in texts.items() if (found := find_boundaries(text))}
    print(f"{label:<46} {len(texts) - len(cut):>5} of {len(texts):>5} whole")
    for name, found in cut.items():
        print(f"    cut in {name}: at {', '.join(map(str, found))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--corpus", type=Path, metavar="FILE.jsonl", help="whole texts, one JSON object a line with `content`"
    )
    corpus_file: Path | None = parser.parse_args().corpus
    speeches, seeds = read_seeds()
    corpus = read_corpus(corpus_file) if corpus_file else {}
    report_single("single: speeches of the compilation, seeds", speeches | seeds)
    if corpus:
        report_single("single: texts of the corpus", corpus)
    report_joined("joined: speeches of the compilation", speeches)
    report_joined("joined: these and the other seeds", speeches | seeds)
    if corpus:
        report_joined("joined: texts of the corpus", corpus, limit=3)
        report_joined("joined: all of these", speeches | seeds | corpus, limit=3)


if __name__ == "__main__":
    main()
