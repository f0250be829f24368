"""No memory of epy's is both writable and executable, whatever a callback's values are."""

import re

import pytest

# Makes and calls a callback of each kind, and as many that some kind of pool must grow.
SCRIPT = """
import epy
import os
from ctypes import *

class Small(Structure):
    _fields_ = [("a", c_double), ("b", c_long)]

class Large(Structure):
    _fields_ = [("a", c_double), ("b", c_long), ("c", c_long)]

class Odd(Structure):
    _fields_ = [("a", c_char * 7)]

host = epy.header(
    "struct pair { long a; double b; };"
    "struct table { struct pair (*swap)(struct pair); };"
)

KINDS = [  # prototype, function, arguments, what the result is
    (CFUNCTYPE(c_int, c_int), lambda a: a + 1, (4,), 5),
    (CFUNCTYPE(c_double, c_double, c_int), lambda a, b: a * b, (1.5, 2), 3.0),
    (CFUNCTYPE(c_long, Small), lambda s: s.b, (Small(1, 2),), 2),
    (CFUNCTYPE(c_long, Large), lambda s: s.c, (Large(1, 2, 3),), 3),
    (CFUNCTYPE(c_int, Odd), lambda s: len(s.a), (Odd(b"abc"),), 3),
    (CFUNCTYPE(Small, c_long), lambda b: Small(1, b), (7,), 7),
    (CFUNCTYPE(Large, c_long), lambda b: Large(1, b, 2), (8,), 8),
    (CFUNCTYPE(c_longdouble, c_longdouble), lambda a: a / 2, (3.0,), 1.5),
    (CFUNCTYPE(c_int, *[c_double] * 9), lambda *all: int(sum(all)), tuple(range(9)), 36),
]

def check_all():
    kept = []
    for prototype, function, arguments, wanted in KINDS:
        for _ in range(300):
            made = epy.callback(prototype)(function)
            result = prototype(cast(made, c_void_p).value)(*arguments)
            assert getattr(result, "b", result) == wanted, (prototype._argtypes_, result)
            kept.append(made)
    for _ in range(300):
        of_complex = epy.callback("double _Complex f(float _Complex)")(lambda a: a * a)
        kept += [of_complex, of_complex.address]
        table = host.struct.table(swap=lambda pair: host.struct.pair(a=int(pair.b), b=pair.a))
        assert table.swap(host.struct.pair(a=1, b=2)).a == 2
        kept.append(table)
    return kept

@epy.export
def by_value(s: Small) -> Large:
    return Large(s.a, s.b, 3)

@epy.export("double _Complex turn(double _Complex z, long double k)")
def turn(z, k):
    return z * 1j * k

@epy.export(error=-1)
def check() -> c_int:
    kept = check_all()
    show("parent")
    child = os.fork()
    if child == 0:
        kept += check_all()
        show("child")
        os._exit(0)
    kept += check_all()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def show(process):
    with open("/proc/self/maps") as maps:
        for line in maps:
            print(process, line, end="")
"""

HOST = r"""
#include <complex.h>
#include <dlfcn.h>
#include <stdio.h>
#include <sys/prctl.h>

struct small { double a; long b; };
struct large { double a; long b, c; };

int main(int count, char **arguments) {
    // PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN: from here on nothing writable becomes executable.
    if (count > 2 && prctl(65, 1, 0, 0, 0) != 0)
        return 77;
    void *plugin = dlopen(arguments[1], RTLD_NOW);
    struct large (*by_value)(struct small) = dlsym(plugin, "by_value");
    complex double (*turn)(complex double, long double) = dlsym(plugin, "turn");
    int (*check)(void) = dlsym(plugin, "check");
    struct large got = by_value((struct small){1.5, 2});
    complex double turned = turn(1 + 2 * I, 2);
    if (got.a != 1.5 || got.b != 2 || got.c != 3 || creal(turned) != -4 || cimag(turned) != 2)
        return 1;
    return check();
}
"""


def mappings(text, process):
    """(access, device and inode) of each mapping that `process` printed."""
    found = re.findall(rf"^{process} \S+ (\S+) \S+ (\S+ \d+)", text, re.MULTILINE)
    assert found
    return found


@pytest.mark.parametrize("process", ["parent", "child"])
def test_nothing_is_writable_and_executable(build_plugin, compile_c, run, process):
    host = compile_c(HOST, "-ldl")
    result = run(host, build_plugin(SCRIPT))
    assert result.stderr == ""
    found = mappings(result.stdout, process)
    assert not [access for access, _ in found if "w" in access and "x" in access]
    # Nor has a file whose pages are executed another mapping that writes through to it.
    executed = {file for access, file in found if "x" in access and not file.endswith(" 0")}
    written = {file for access, file in found if access.endswith("s") and "w" in access}
    assert not executed & written


def test_works_where_nothing_may_become_executable(build_plugin, compile_c, run):
    host = compile_c(HOST, "-ldl")
    result = run(host, build_plugin(SCRIPT), "refuse", status=None)
    if result.returncode == 77:
        pytest.skip("not run: this kernel has no PR_SET_MDWE (Linux 6.3)")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
