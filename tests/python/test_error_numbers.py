"""errno both ways: what a header's function has left, and what an OSError leaves the host."""

import errno

import pytest

import epy

HOST = """
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
int fails(int number) { errno = number; return -1; }
int works(void) { return 0; }
int found(void) { return errno; }
int calls(int (*f)(void)) { errno = 70; int result = f(); errno += 1; return result; }
static void *plugin;
#define CALL(name) (errno = 5, printf("%s %d", #name, ((int (*)(void))dlsym(plugin, #name))()), \\
                    printf(" %d\\n", errno))
static void *work(void *unused) { CALL(other_thread); return unused; }
int main(void) {
    plugin = dlopen("./plugin.so", RTLD_NOW);
    CALL(reads); CALL(finds); CALL(nests); CALL(turned_off); CALL(mine); CALL(not_mine);
    CALL(called_back); CALL(without_number); CALL(nothing); CALL(set_by_value);
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
}
"""
SCRIPT = """
import os
import epy
from ctypes import c_int

TEXT = "int fails(int); int works(void); int found(void); int calls(int (*f)(void));"
host = epy.header(TEXT)
plain = epy.header(TEXT, use_errno=False)
assert host is not plain and host is epy.header(TEXT)

@epy.export
def reads() -> c_int:
    host.fails(33)
    os.path.exists("/nowhere")  # errno is another one by now
    return epy.get_errno()

@epy.export
def finds() -> c_int:
    host.fails(34)
    first = host.found()  # as it was left
    epy.set_errno(0)
    return first * 100 + host.found()

def inner() -> c_int:
    host.fails(7)
    return epy.get_errno()

@epy.export
def nests() -> c_int:
    return host.calls(inner) * 100 + epy.get_errno()

@epy.export
def turned_off() -> c_int:
    host.fails(35)
    plain.fails(36)
    return epy.get_errno()

@epy.export(error=-2, errno=True)
def mine() -> c_int:
    open("/nowhere")

@epy.export(error=-2)
def not_mine() -> c_int:
    open("/nowhere")

@host.callback("int (*)(void)", error=-3, errno=True)
def refuses():
    raise PermissionError(13, "no")

@host.export("int called_back(void)")
def called_back():
    try:
        return host.calls(refuses)
    except PermissionError:
        return epy.get_errno()

@host.export("int without_number(void)", error=-4, errno=True)
def without_number():
    raise OSError("no number")

@epy.export(errno=True)
def nothing() -> None:
    raise TimeoutError(110, "late")

def value(exception):
    epy.set_errno(99)
    return -5

@epy.export(error=value, errno=True)
def set_by_value() -> c_int:
    open("/nowhere")

@epy.export
def other_thread() -> c_int:
    return epy.get_errno()
"""


def test_errno_of_the_hosts_functions_and_for_the_host(build_plugin, compile_c, run):
    build_plugin(SCRIPT)
    result = run(compile_c(HOST, "-rdynamic", "-lpthread"))
    shown = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    del shown["nothing"][0]  # void
    assert shown == {
        "reads": ["33", "5"],
        "finds": ["3400", "0"],
        "nests": ["771", "5"],
        "turned_off": ["35", "5"],
        "mine": ["-2", str(errno.ENOENT)],
        "not_mine": ["-2", "5"],
        "called_back": ["14", "5"],
        "without_number": ["-4", "5"],
        "nothing": [str(errno.ETIMEDOUT)],
        "set_by_value": ["-5", "99"],
        "other_thread": ["0", "5"],
    }


def test_a_void_function_has_no_error_value():
    for error in (0, -1, lambda exception: None):
        with pytest.raises(
            epy.SignatureError, match="its result is void, which has no error value"
        ):
            epy.export("void f(int)", error=error)(lambda x: None)
    with pytest.raises(epy.SignatureError, match="its result is void"):
        epy.header("void g(int);").export(name="g", error=1)(lambda x: None)
