"""No test can reach a network or the embedded model, even if the model is installed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from pytest_socket import SocketConnectBlockedError

from extractor import errors
from extractor.llm import local_weights


def run_python(program: str) -> str:
    """The standard error of a program in a separate Python."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr


def test_the_embedded_model_counts_as_not_installed() -> None:
    with pytest.raises(errors.ModelMissingError, match="22 of its 22 parts are missing"):
        local_weights.find("local")
    assert "22 of its 22 parts are missing" in run_python(
        "from extractor.llm import local_weights as weights; weights.find('local')"
    )


def test_no_connection_leaves_this_machine() -> None:
    # 192.0.2.1 is reserved for documentation. pytest-socket warns first, and warnings are errors here.
    with pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    for host in ("192.0.2.1", "example.org"):
        stderr = run_python(f"import socket; socket.create_connection(('{host}', 80), timeout=1)")
        assert f"tried to reach '{host}'" in stderr


def test_no_key_is_in_the_environment() -> None:
    assert [name for name in os.environ if name.endswith("_API_KEY") or name.startswith("OPENAI_")] == []
