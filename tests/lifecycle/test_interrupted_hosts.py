"""Ctrl-C in a host whose Python has its signals ends a call, and the host hears of it."""

from __future__ import annotations

import pytest
from plugin_scripts import ADD

STARTS = {
    "by the host": "initialize 1 | open ./plugin.so | call add 1 1",
    "by epy, taken over": "open ./plugin.so | call add 1 1 | initialize 1",
}


@pytest.mark.parametrize("start", STARTS)
def test_an_interrupt_during_a_call_is_the_host_s(build_for, host, start):
    build_for(ADD)
    words = host(f"{STARTS[start]} | interrupt | call add 1 2 | signals | call add 1 2 | finalize")
    assert words == ["2", "-1", "-1", "3", "finalized:", "0"]
