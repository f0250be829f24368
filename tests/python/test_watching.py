"""`epy build --reload`: the plugin runs its script again when its files have changed."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy
from ctypes import c_int

@epy.export
def twice(x: c_int) -> c_int:
    return 2 * x
"""
WAIT = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    (void)argc;
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    int (*twice)(int) = (int (*)(int))dlsym(plugin, "twice");
    printf("%d ", twice(5));
    rename("new.py", argv[1]);
    while (twice(5) == 10)
        usleep(1000);
    printf("%d\n", twice(5));
    dlclose(plugin);
}
"""
PACKAGE = {
    "__init__.py": "from .rate import rate\n" + SCRIPT.replace("2 * x", "rate * x"),
    "rate.py": "rate = 2\n",
}


@pytest.mark.parametrize("edited", ["rate.py", "__init__.py"])
def test_each_file_of_a_package_is_seen(epy, compile_c, run, tmp_path, edited):
    folder = tmp_path / "plugin"
    folder.mkdir()
    for name, text in PACKAGE.items():
        (folder / name).write_text(text)
    epy("build", "--reload", "plugin")
    new = PACKAGE[edited].replace("rate = 2", "rate = 3").replace("rate * x", "(rate + 1) * x")
    (tmp_path / "new.py").write_text(new)
    result = run(compile_c(WAIT), folder / edited)
    assert result.stdout == "10 15\n"
    assert result.stderr == f"epy: {tmp_path}/plugin.so: reloaded\n"


def test_a_module_beside_the_script_is_seen(epy, compile_c, run, tmp_path):
    (tmp_path / "plugin.py").write_text("from rate import rate\n" + PACKAGE["__init__.py"][23:])
    (tmp_path / "rate.py").write_text("rate = 2\n")
    epy("build", "--reload", "plugin.py")
    (tmp_path / "new.py").write_text("rate = 3\n")
    assert run(compile_c(WAIT), "rate.py").stdout == "10 15\n"


def test_a_failed_reload_is_told_once_and_the_next_one_works(epy, compile_c, run, tmp_path):
    (tmp_path / "plugin.py").write_text(SCRIPT)
    epy("build", "--reload", "plugin.py")
    (tmp_path / "broken.py").write_text(SCRIPT.replace("2 * x", "3 * x") + "1 / 0\n")
    (tmp_path / "new.py").write_text(SCRIPT.replace("2 * x", "4 * x"))
    host = WAIT.replace(
        "    rename(",
        """
    rename("broken.py", "plugin.py");
    for (long size = 0; size == 0 && twice(5) == 10; usleep(1000)) {
        fseek(stderr, 0, SEEK_END);
        size = ftell(stderr);
    }
    printf("%d ", twice(5));
    rename(""",
        1,
    )
    command = f"{compile_c(host)} plugin.py 2>errors"
    assert run("sh", "-c", command).stdout == "10 10 20\n"
    errors = (tmp_path / "errors").read_text()
    assert errors.count("not reloaded, the old code stays: its script failed") == 1
    assert errors.count("ZeroDivisionError") == 1


def test_a_changed_signature_is_told_in_one_line(epy, compile_c, run, tmp_path):
    (tmp_path / "plugin.py").write_text(SCRIPT + "\n@epy.export\ndef f() -> c_int:\n    return 1\n")
    epy("build", "--reload", "plugin.py")
    new = SCRIPT.replace("2 * x", "3 * x")
    (tmp_path / "new.py").write_text(new + "@epy.export\ndef f() -> None:\n    pass\n")
    host = WAIT.replace("while (twice(5) == 10)", "while (ftell(stderr) == 0)").replace(
        "usleep(1000);", "fseek(stderr, 0, SEEK_END);"
    )
    assert run("sh", "-c", f"{compile_c(host)} plugin.py 2>errors").stdout == "10 10\n"
    assert (tmp_path / "errors").read_text() == (
        f"epy: {tmp_path}/plugin.so: not reloaded, the old code stays: 'f' was 'int f(void)' and "
        "is 'void f(void)' now: hosts have its address: load the plugin anew, or take another "
        "name\n"
    )


def test_a_forked_child_watches_too(epy, compile_c, run, tmp_path):
    (tmp_path / "plugin.py").write_text(SCRIPT)
    epy("build", "--reload", "plugin.py")
    (tmp_path / "new.py").write_text(SCRIPT.replace("2 * x", "3 * x"))
    host = compile_c(r"""
        #include <dlfcn.h>
        #include <stdio.h>
        #include <sys/wait.h>
        #include <unistd.h>

        int main(void) {
            int (*twice)(int) = (int (*)(int))dlsym(dlopen("./plugin.so", RTLD_NOW), "twice");
            twice(5);
            if (fork() == 0) {
                rename("new.py", "plugin.py");
                while (twice(5) == 10)
                    usleep(1000);
                printf("%d\n", twice(5));
                return 0;
            }
            wait(NULL);
            return 0;
        }
    """)
    assert run(host).stdout == "15\n"


def test_it_goes_like_any_other(epy, native, run, tmp_path):
    hook = "epy.on_unload(lambda: print('gone', flush=True))\n"
    (tmp_path / "plugin.py").write_text(SCRIPT + hook)
    epy("build", "--reload", "plugin.py")
    steps = ("open ./plugin.so", "int twice 5", "close")
    result = run(native("call"), *steps, *steps)
    assert (result.stdout.split(), result.stderr) == (["10", "gone", "10", "gone"], "")
