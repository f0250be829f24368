"""`host.export_all`, `host.export_missing`: functions by name, and all that match a pattern."""

import pytest

import epy as package

HEADER = """
#define UNSUPPORTED 84
typedef unsigned long status;
struct pair { int a, b; };
status x_open(const char *name);
status x_read(int n, double x, void *more);
status x_print(const char *format, ...);
void x_reset(int a);
int start(int a);
int version(void);
const char *name(int index);
double scale(double x);
struct pair limits(void);
void stop(void);
int any();
void *handle(int n);
static inline status x_inline(int a) { return a; }
"""
SCRIPT = f"""
import epy
host = epy.header('''{HEADER}''', errors={{"status": 1}})

@host.export
def x_open(name):
    return len(name)

functions = host.export_missing("x_*", error="UNSUPPORTED")
assert list(functions) == ["x_open", "x_read", "x_print", "x_reset"]
assert functions["x_open"] is x_open

made = host.export_all(
    start=lambda a: a + 1, version="UNSUPPORTED", name="Größe", scale=0.5, limits=(1, 2), stop=None,
    any=5, handle=None,
)
assert made["start"](1) == 2
"""


def test_functions_and_values_become_exports(build_plugin, compile_c, run):
    build_plugin(SCRIPT)
    host = compile_c(
        HEADER
        + """
#include <stdio.h>
int main(void) {
    printf("%lu %lu %lu\\n", x_open("four"), x_read(1, 2.5, NULL), x_print("%d", 1));
    x_reset(1);
    stop();
    struct pair p = limits();
    printf("%d %d %s %g %d %d %d %p\\n", start(41), version(), name(3), scale(9), p.a, p.b,
           ((int (*)(int, double))any)(1, 2.5), handle(1));
}
""",
        "-L.",
        "-l:plugin.so",
        "-Wl,-rpath,.",
    )
    result = run(host)
    assert (result.stdout, result.stderr) == ("4 84 84\n42 84 Größe 0.5 1 2 5 (nil)\n", "")


def test_inspect_shows_the_header_s_prototypes(build_plugin, epy):
    listing = epy("inspect", build_plugin(SCRIPT)).stdout
    assert "unsigned long x_read(int, double, void *)" in listing


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda h: h.export_missing("y_*", error=1), package.HeaderNameError, "matches 'y_.'"),
        (lambda h: h.export_all(strat=1), package.HeaderNameError, "strat: did you mean start"),
        (lambda h: h.export_missing("x_*", error="NO"), package.HeaderNameError, "no constant NO"),
        (lambda h: h.export_all(start="name"), package.HeaderNameError, "name is no constant"),
        (
            lambda h: h.export_missing("x_*", error=-1),
            package.SignatureError,
            r"-1 does not fit the result of `unsigned long x_open\(char \*\)`",
        ),
        (
            lambda h: h.export_missing("*", error=3),
            package.SignatureError,
            r"3 does not fit the result of `char \*name\(int\)`",
        ),
        (
            lambda h: h.export_all(handle=5),
            package.SignatureError,
            r"5 does not fit the result of `void \*handle\(int\)`",
        ),
        (lambda h: h.export_all(start=lambda: 0), package.SignatureError, "takes 0 arguments"),
        (lambda h: h.export_all(SCALE=1), package.HeaderNameError, "declares no function SCALE"),
    ],
)
def test_mistakes_name_the_function(call, error, message):
    with pytest.raises(error, match=message):
        call(package.header(HEADER))


def test_one_that_follows_is_refused(mistake, tmp_path):
    (tmp_path / "plugin.py").write_text(
        f"import epy\nhost = epy.header('''{HEADER}''')\nhost.export_missing('x_*', error=0)\n"
        "@host.export\ndef x_open(name):\n    return 0\n"
    )
    assert "'x_open' is exported twice" in mistake("build", "plugin.py")
