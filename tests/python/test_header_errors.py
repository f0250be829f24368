"""Error values of a header's functions: by the type of the result, by the name of a constant."""

import re

import pytest

HEADER = """
#define FAILED 0x80000001UL
#define SHARE 0.5
#define TEXT "text"
enum state { OFF, BROKEN = 7 };
typedef unsigned long status;
typedef const char *text;
typedef double share;
typedef int (*hook)(int a);
struct pair { int a, b; };
status fail(int a);
enum state state(int a);
text name(int a);
share part(int a);
struct pair both(int a);
int number(int a);
void nothing(int a);
"""
SCRIPT = (
    f"""
import epy
host = epy.header('''{HEADER}''', errors="""
    + """{
    "status": "FAILED", "enum state": "BROKEN", "text": "BROKEN", "share": "SHARE",
    "struct pair": {"a": 3, "b": 4},
})

for name in ("fail", "state", "name", "part", "both", "nothing"):
    @host.export(name=name)
    def broken(a):
        raise ValueError

@host.export(error="BROKEN")
def number(a):
    raise ValueError

@host.callback("hook", error="BROKEN")
def callback(a):
    raise ValueError

"""
)


def test_error_values_are_named_as_in_the_header(build_plugin, compile_c, run) -> None:
    build_plugin(SCRIPT)
    host = compile_c(
        HEADER
        + """
#include <stdio.h>
int main(void) {
    struct pair p = both(1);
    printf("%lx %d %s %g %d %d %d\\n", fail(1), state(1), name(1), part(1), p.a, p.b, number(1));
    nothing(1);
}
""",
        "-L.",
        "-l:plugin.so",
        "-Wl,-rpath,.",
    )
    assert run(host).stdout == "80000001 7 BROKEN 0.5 3 4 7\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("errors={'status': 'FAILD'}", "declares no constant FAILD: did you mean FAILED or fail?"),
        ("errors={'status': 'fail'}", "fail is no constant, and so no error value"),
        ("errors={'fail': 1}", "errors={'fail': ...}: it is no type"),
        ("errors={'statu': 1}", "declares no type statu: did you mean status"),
        (
            "errors={'status': 'TEXT'})\n@host.export\ndef fail(a): pass\n(",
            "error=b'text' does not",
        ),
        (")\n@host.export(error='FAILD')\ndef number(a): pass\n(", "no constant FAILD"),
        (")\nhost.callback('hook', lambda a: 1, error='FAILD')\n(", "no constant FAILD"),
        (
            ")\n@host.export(error='FAILED')\ndef number(a): pass\n(",
            "error=2147483649 does not fit",
        ),
    ],
)
def test_a_wrong_error_value_is_one_line_at_build(epy, tmp_path, text, message) -> None:
    script = f"import epy\nhost = epy.header('''{HEADER}''', {text})\n"
    (tmp_path / "plugin.py").write_text(script)
    result = epy("build", "plugin.py", status=2)
    assert message in result.stderr
    assert re.match(r"epy: .*plugin.py:\d+", result.stderr)
    assert result.stderr.count("\n") == 1
