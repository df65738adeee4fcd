"""One run of the command, watched from outside: time, memory, what it said, how it ended, what it left."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

KEY = "sk-loopback-3f9a7c51e2d84b60"
BOUND = 90.0
"""Seconds for a run, unless a row says otherwise."""
_POLL = 0.02


@dataclass
class Ended:
    """How a run ended. `cpu` is in seconds of user and system time, `peak` is VmHWM in MB."""

    code: int
    seconds: float
    cpu: float
    peak: int
    screen: str
    stdout: bytes
    hung: bool
    left_over: list[str]
    arguments: list[str]
    # Seconds from the last signal sent to the end.
    after_signal: float | None = None


@dataclass
class Tool:
    """A run under way."""

    process: subprocess.Popen[bytes]
    began: float
    arguments: list[str]
    screen_file: Path
    stdout_file: Path
    peak: int = 0
    signalled: float | None = None
    _status: tuple[int, float] | None = None
    _reader: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def poll(self) -> bool:
        """Whether it has ended; looks at its memory."""
        with self._lock:
            if self._status is not None:
                return True
            with suppress(OSError, ValueError, IndexError):
                status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii", errors="replace")
                line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0")
                self.peak = max(self.peak, int(line.split()[1]) // 1024)
            pid, status_word, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid == 0:
                return False
            self.process.returncode = os.waitstatus_to_exitcode(status_word)
            self._status = (self.process.returncode, usage.ru_utime + usage.ru_stime)
            return True

    def signal(self, number: int) -> None:
        """Send a signal to this process alone."""
        if not self.poll():
            self.signalled = time.monotonic()
            self.process.send_signal(number)

    def screen(self) -> str:
        """What it has said so far."""
        return self.screen_file.read_text(encoding="utf-8", errors="replace") if self.screen_file.exists() else ""

    def wait_for(self, condition: Callable[[], bool], bound: float = BOUND) -> bool:
        """Whether the condition came true before the run ended and within the bound."""
        deadline = time.monotonic() + bound
        while time.monotonic() < deadline:
            if condition():
                return True
            if self.poll():
                return condition()
            time.sleep(0.002)
        return False

    def wait(self, bound: float = BOUND) -> Ended:
        """Wait for the end; after `bound` seconds it is killed and counted as hung."""
        deadline = time.monotonic() + bound
        hung = False
        while not self.poll():
            if time.monotonic() > deadline:
                hung = True
                self.process.kill()
                deadline = float("inf")
            time.sleep(_POLL)
        ended = time.monotonic()
        if self._reader is not None:
            self._reader.join(2)
        assert self._status is not None
        code, cpu = self._status
        return Ended(
            code,
            ended - self.began,
            cpu,
            self.peak,
            self.screen(),
            self.stdout_file.read_bytes() if self.stdout_file.exists() else b"",
            hung,
            _left_over(self.process.pid),
            self.arguments,
            None if self.signalled is None else ended - self.signalled,
        )


def _left_over(group: int) -> list[str]:
    """Processes of the run's group that are still there a moment after its end. They are ended."""
    deadline = time.monotonic() + 0.5
    while True:
        members = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError, IndexError, ValueError):
                    fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                    if int(fields[2]) == group and fields[0] not in "ZX":
                        members.append(f"{entry.name} {(entry / 'comm').read_text().strip()}")
        if not members or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    if members:
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    return members


def start(
    folder: Path,
    arguments: list[str],
    *,
    key: str | None = KEY,
    environment: dict[str, str] | None = None,
    before: Callable[[], None] | None = None,
    tty: bool = False,
    stdout: str | None = None,
    weak: bool = False,
    stderr: int | None = None,
) -> Tool:
    """Start `extractor ARGUMENTS` in a folder, in a process group of its own.

    `before` runs in the child before the command. `tty` gives it a terminal as standard error. `stdout` names
    a file or device for standard output, `stderr` a file descriptor for standard error. `weak` takes root's
    right to open what permissions forbid.
    """
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH")}
    env = {**kept, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "LANG": "C.UTF-8"}
    env |= {"COLUMNS": "200", "TERM": "xterm"}
    env |= ({"EXTRACTOR_API_KEY": key} if key else {}) | (environment or {})
    command = [sys.executable, "-m", "extractor", *arguments]
    if weak and os.geteuid() == 0:
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    number = next(n for n in range(1, 10_000) if not (folder / f"screen{n}.txt").exists())
    screen_file, stdout_file = folder / f"screen{number}.txt", folder / f"stdout{number}.txt"
    screen_file.touch()
    reader = None
    began = time.monotonic()
    with open(stdout or stdout_file, "wb") as out:
        if stderr is not None:
            process = _popen(command, folder, env, out, stderr, before)
        elif tty:
            master, slave = pty.openpty()
            process = _popen(command, folder, env, out, slave, before)
            os.close(slave)
            reader = threading.Thread(target=copy, args=(master, screen_file), daemon=True)
            reader.start()
        else:
            with screen_file.open("wb") as screen:
                process = _popen(command, folder, env, out, screen, before)
    return Tool(process, began, arguments, screen_file, stdout_file, _reader=reader)


def _popen(command, folder, env, out, err, before):  # type: ignore[no-untyped-def]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        preexec_fn=before,
        start_new_session=True,
    )


def copy(master: int, path: Path) -> None:
    """Copy what comes from a terminal or a pipe into a file, to its end."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while data := os.read(master, 1 << 16):
            file.write(data)
    os.close(master)


def slowness() -> float:
    """How many processes share a core: what takes a second on an idle machine may take so many."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def can_be_weak() -> bool:
    """Whether a run can be kept from what permissions forbid."""
    return os.geteuid() != 0 or shutil.which("setpriv") is not None


def extract(inputs: list[str], base_url: str, *more: str, output: str = "out/records.jsonl") -> list[str]:
    """The arguments of a run at the endpoint."""
    where = ["-o", output] if output else []
    return ["extract", *inputs, *where, "--base-url", base_url, "--model", "m", "--mode", "live", *more]
