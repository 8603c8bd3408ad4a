"""What the command line leaves out of invoke, and that nobody else misses it."""

from __future__ import annotations

import subprocess
import sys


def _printed_by(code: str) -> str:
    return subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_the_command_line_does_not_load_what_it_never_uses() -> None:
    heavy = ("asyncio", "unittest.mock", "invoke.vendor.yaml", "paramiko", "jsonschema")
    code = f"import sys, kamal_forward_check.program; print([name for name in {heavy} if name in sys.modules])"
    assert _printed_by(code) == "[]"


def test_whoever_wants_mocks_later_gets_them() -> None:
    code = "import kamal_forward_check.program; from unittest.mock import Mock; print(Mock(return_value=5)())"
    assert _printed_by(code) == "5"


def test_an_invoke_that_is_loaded_already_is_left_as_it_is() -> None:
    code = (
        "import invoke, sys; own = sys.modules['invoke.vendor.yaml']; from kamal_forward_check import light_invoke; "
        "print(sys.modules['invoke.vendor.yaml'] is own, light_invoke.Program is invoke.Program)"
    )
    assert _printed_by(code) == "True True"
