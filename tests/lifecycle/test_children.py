"""Processes that `multiprocessing` starts for a plugin: they find the plugin's own functions."""

import sys

import pytest

SCRIPT = """
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import epy

host = epy.header("#define FACTOR 3\\nint unused(int);\\n")

@epy.constant
def ADDEND():
    return 100

class Job:
    def __init__(self, number):
        self.number = number

    def run(self):
        return self.number * host.FACTOR + ADDEND

def work(job):
    return job.run(), os.getpid()

@epy.export("int pooled(const char *method, int n)", error=-1)
def pooled(method, n):
    context = multiprocessing.get_context(method.decode())
    with context.Pool(2) as pool:
        answers = pool.map(work, map(Job, range(n)))
    assert os.getpid() not in {process for _, process in answers}
    return sum(answer for answer, _ in answers)

@epy.export("int executed(const char *method, int n)", error=-1)
def executed(method, n):
    context = multiprocessing.get_context(method.decode())
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        return sum(answer for answer, _ in pool.map(work, map(Job, range(n))))
"""
HOST = """
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    int (*function)(const char *, int) = (int (*)(const char *, int))dlsym(plugin, argv[1]);
    fprintf(stderr, "host runs\\n");
    printf("%d\\n", function(argv[2], 4));
    dlclose(plugin);
}
"""
PYTHON_HOST = """
import ctypes, sys
sys.stderr.write("host runs\\n")
function = ctypes.CDLL(sys.argv[3])[sys.argv[1]]
print(function(sys.argv[2].encode(), 4))
"""
ANSWER = 3 * (0 + 1 + 2 + 3) + 4 * 100
METHODS = ["fork", "spawn", "forkserver"]


@pytest.mark.parametrize("function", ["pooled", "executed"])
@pytest.mark.parametrize("method", METHODS)
def test_of_a_c_host(build_plugin, compile_c, run, method, function):
    result = run(compile_c(HOST, "-ldl"), function, method, build_plugin(SCRIPT))
    assert (result.stdout, result.stderr) == (f"{ANSWER}\n", "host runs\n")


@pytest.mark.parametrize("function", ["pooled", "executed"])
@pytest.mark.parametrize("method", METHODS)
def test_of_a_python_host_which_does_not_run_again(build_plugin, run, tmp_path, method, function):
    (tmp_path / "host.py").write_text(PYTHON_HOST)
    result = run(sys.executable, "host.py", function, method, build_plugin(SCRIPT))
    assert (result.stdout, result.stderr) == (f"{ANSWER}\n", "host runs\n")


def test_of_a_plugin_that_reads_its_script_from_its_place(build_plugin, compile_c, run):
    plugin = build_plugin(SCRIPT, "--editable")
    assert run(compile_c(HOST, "-ldl"), "pooled", "spawn", plugin).stdout == f"{ANSWER}\n"


def test_of_the_host_s_own_code_are_as_without_plugins(build_plugin, run, tmp_path):
    (tmp_path / "host.py").write_text(
        "import ctypes, multiprocessing, sys\n"
        "def own(n):\n    return -n\n"
        "if __name__ == '__main__':\n"
        "    sys.stderr.write('host runs\\n')\n"
        "    function = ctypes.CDLL(sys.argv[1]).pooled\n"
        "    print(function(b'spawn', 4))\n"
        "    with multiprocessing.get_context('spawn').Pool(2) as pool:\n"
        "        print(pool.map(own, range(3)))\n"
        "else:\n    sys.stderr.write('imported\\n')\n"
    )
    result = run(sys.executable, "host.py", build_plugin(SCRIPT))
    assert result.stdout == f"{ANSWER}\n[0, -1, -2]\n"
    # A pool that has its answers does not wait for a process that has not begun.
    assert set(result.stderr.splitlines()) == {"host runs", "imported"}


def test_of_the_host_s_own_code_begin_with_its_program(build_plugin, run, tmp_path):
    """Also where nothing of it is needed, as without plugins."""
    (tmp_path / "host.py").write_text(
        "import ctypes, multiprocessing, sys\n"
        "print('program', __name__, flush=True)\n"
        "if __name__ == '__main__':\n"
        "    ctypes.CDLL(sys.argv[1]).pooled(b'fork', 1)\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    child = context.Process(target=print, args=('child',), kwargs={'flush': True})\n"
        "    child.start()\n"
        "    child.join()\n"
    )
    result = run(sys.executable, "host.py", build_plugin(SCRIPT))
    assert result.stdout == "program __main__\nprogram __mp_main__\nchild\n"


def test_that_needs_something_of_a_python_host(build_plugin, run, tmp_path):
    """A plugin passes a function of the host's program on: then that runs in the child."""
    script = """
import multiprocessing
import sys
import epy

@epy.export("int passed_on(void)", error=-1)
def passed_on():
    own = sys.modules["__main__"].own
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return sum(pool.map(own, range(4)))
"""
    (tmp_path / "host.py").write_text(
        "import ctypes, sys\n"
        "def own(n):\n    return 10 * n\n"
        "if __name__ == '__main__':\n    print(ctypes.CDLL(sys.argv[1]).passed_on())\n"
    )
    assert run(sys.executable, "host.py", build_plugin(script)).stdout == "60\n"
