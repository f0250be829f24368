"""Plugins that stand before the C library's functions (LD_PRELOAD), which epy itself would call."""

from __future__ import annotations

OPEN = """
import epy
from ctypes import CFUNCTYPE, c_char_p, c_int

kept = []

@epy.export("int open(const char *path, int flags, int mode)", error=-1)
def open(path, flags, mode):
    one = epy.callback("int call(int)")(lambda number: number)
    kept.append((one.address, one))  # its trampolines are mapped from a file
    real = epy.next_function("open")
    return CFUNCTYPE(c_int, c_char_p, c_int, c_int)(real)(path, flags, mode)
"""
OPENS = """
#include <fcntl.h>
#include <stdio.h>
int main(void) {
    int opened = 0;
    for (int i = 0; i < 600; ++i) {
        opened += open("/proc/self/comm", O_RDONLY) >= 0;
    }
    printf("%d\\n", opened);
}
"""


def test_over_open_with_callbacks(build_plugin, compile_c, run, preload):
    result = run(compile_c(OPENS), env=preload(build_plugin(OPEN)))
    assert (result.stdout, result.stderr) == ("600\n", "")


GETPID = """
import epy
from ctypes import CFUNCTYPE, c_int

@epy.export("int getpid(void)", error=-1)
def getpid():
    return CFUNCTYPE(c_int)(epy.next_function("getpid"))()
"""
FORKS = """
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    const int parent = getpid();
    const int child = fork();
    if (child == 0) {
        _exit(getppid() == parent && getpid() != parent ? 3 : 4);
    }
    int status = 0;
    printf("%d ", waitpid(child, &status, 0) == child);
    printf("%d\\n", WEXITSTATUS(status));
}
"""


def test_over_getpid_in_a_host_that_forks(build_plugin, compile_c, run, preload):
    """Around a fork locks are held that `epy.next_function` takes."""
    result = run(compile_c(FORKS), env=preload(build_plugin(GETPID)))
    assert (result.stdout, result.stderr) == ("1 3\n", "")
