"""Many small documents: is time linear and memory flat, and how soon does a resumed run ask its first
question?

    pip install uvicorn && python benchmarks/scale.py [--documents N]

A stand-in endpoint (benchmarks/endpoint.py) answers at once, so the time is the tool's own. Then one more
document is added to the inputs, and the time from the start of the command to its first request is measured.
Linux only, because memory is read from /proc.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from throughput import Row, corpus, count, endpoint

EVERY = 10


def start(folder: Path, base: str) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-c",
        "from extractor.cli.main import main; main()",
        "extract",
        str(folder / "texts.jsonl"),
    ]
    command += ["-o", str(folder / "out.jsonl"), "--schema", str(folder / "note.py"), "--base-url", f"{base}/v1"]
    return subprocess.Popen([*command, "--model", "m", "--mode", "live", "-q", "--concurrency", "16"])


def memory(process: subprocess.Popen[bytes]) -> int:
    """The peak memory of the process in MB."""
    status = Path(f"/proc/{process.pid}/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Many small documents: time, memory, resuming.")
    parser.add_argument("--documents", type=int, default=100_000)
    documents = parser.parse_args().documents
    with endpoint(Row("scale", 16, ""), 8300) as base, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus(folder, documents)
        began, printed, peak = time.perf_counter(), 0, 0
        process = start(folder, base)
        while process.poll() is None:
            time.sleep(0.5)
            peak = max(peak, memory(process))
            asked = count(base).get("requests", 0)
            if asked * EVERY >= documents * (printed + 1):
                printed = asked * EVERY // documents
                print(f"{asked:8} asked {time.perf_counter() - began:7.1f} s {peak:5} MB", flush=True)
        print(f"{documents:8} done  {time.perf_counter() - began:7.1f} s {peak:5} MB at its peak", flush=True)
        with (folder / "texts.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"id": "one-more", "text": "会议在县政府礼堂召开。"}, ensure_ascii=False) + "\n")
        before, began = count(base)["requests"], time.perf_counter()
        process = start(folder, base)
        while count(base)["requests"] == before and process.poll() is None:
            time.sleep(0.02)
        print(f"resumed: first request after {time.perf_counter() - began:.1f} s")
        process.wait()


if __name__ == "__main__":
    main()
