"""The README's first example does what it shows."""

import re
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def first_block(language):
    return re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)[1]


def test_first_example(build_plugin, compile_c, run):
    build_plugin(first_block("python"), name="plugin")
    host = compile_c(first_block("c"))
    assert run(host).stdout == first_block("console").splitlines()[-1] + "\n"
