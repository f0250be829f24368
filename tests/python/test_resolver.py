"""The first call of an export keeps everything that can carry an argument or a result."""

from __future__ import annotations

from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[1] / "native"

SHAPES = [
    *("doubles_and_longs", "variadic", "vector256", "vector512", "long_double", "large_result"),
    *("mixed_result", "structs_by_value", "complex_numbers", "many_on_stack", "keeps_errno"),
]

SCRIPT = """
import ctypes
import epy

targets = ctypes.CDLL({library!r})
for shape in {shapes!r}:
    epy.export_address("target_" + shape, getattr(targets, "target_" + shape))
"""


def cpu_has(flag: str) -> bool:
    return f" {flag} " in Path("/proc/cpuinfo").read_text().replace("\n", " \n")


@pytest.mark.parametrize("shape", SHAPES)
def test_arguments_and_result_survive_the_first_call(
    build_plugin, compile_c, native, run, tmp_path, shape
):
    if shape == "vector512" and not cpu_has("avx512f"):
        pytest.skip("this processor has no AVX-512")
    library = compile_c(
        *((NATIVE / "registers.c").read_text(), "-DTARGETS", "-O1", "-Wno-psabi"),
        *("-shared", "-fPIC"),
        name="libtargets.so",
    )
    plugin = build_plugin(SCRIPT.format(library=str(library), shapes=SHAPES))
    result = run(native("registers"), plugin, f"target_{shape}")
    assert result.stdout.splitlines() == ["first call: right", "second call: right"]
    assert result.stderr == ""
