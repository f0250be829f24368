"""Plugins whose script names its host's header, called by C hosts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HEADER = """
#include <stdint.h>
#define SCALE 3
#define TEXT "from a macro"
typedef unsigned long status;
typedef int binary(int, int);
typedef int (*visitor)(int value);
struct pair { int a, b; };
binary add;
status fail(int a);
int later(int a);
const char *text(const char *name);
int visit(visitor v);
int sum(const struct pair *p);
int plus(struct pair *p, unsigned char kind, void *data);
int print(const char *format, ...);
static inline int twice(int a) { a += a; return a; }
extern int table[3];
extern struct pair origin;
extern const char greeting[];
extern const char *const words[];
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "host.h").write_text(HEADER)
    return tmp_path


SCRIPT = """
import epy, sys
host = epy.header("sub/host.h", errors={"status": 7})

@host.export
def add(a, b):
    return a + b * host.SCALE

@host.export
def fail(a):
    raise ValueError

@host.export
def text(name):
    heavy = ("ctypes.util", "subprocess", "re", "typing", "enum")
    heavy = [name for name in heavy if name in sys.modules]
    own = sorted(name[4:] for name, one in sys.modules.items()
                 if name.startswith("epy.") and "__getattr__" not in vars(one))  # which have run
    return (name + b" " + host.TEXT + repr(heavy + own).encode()) if name else None
"""

# What a start costs: these modules of epy's, and nothing heavy.
LOADED = [
    *("_archive", "_core", "_ctypes_import", "_header", "_instances", "_modules"),
    *("_native", "_plugin", "_script", "_start", "_types"),
]


def test_the_host_calls_functions_with_the_header_s_prototypes(
    build_plugin, native, run, folder
) -> None:
    plugin = build_plugin(SCRIPT)
    words = (f"open {plugin}", "int add 1 2", "text text x", "int fail 1")
    run(native("call"), *words)  # the first start of all compiles epy's modules
    result = run(native("call"), *words)
    assert result.stdout == f"7\nx from a macro{LOADED}\n7\n"


def test_error_values_go_by_the_type_of_the_result(build_plugin, native, run) -> None:
    plugin = build_plugin("""
import epy
host = epy.header(
    "enum state {off}; typedef int status; typedef status special;"
    "int plain(int); enum state state(int); status named(int); special most(int);"
    "double other(int);",
    errors={"int": 3, "enum state": 4, "status": 5, "special": 6},
)

for name in ("plain", "state", "named", "most", "other"):
    @host.export(name=name)
    def fail(n):
        raise ValueError
""")
    calls = [f"int {name} 1" for name in ("plain", "state", "named", "most")]
    assert run(native("call"), f"open {plugin}", *calls).stdout.split() == ["3", "4", "5", "6"]


def test_a_running_plugin_needs_no_header(build_plugin, native, run, folder) -> None:
    plugin = build_plugin(SCRIPT)
    (folder / "sub" / "host.h").unlink()
    assert run(native("call"), f"open {plugin}", "int add 1 2").stdout == "7\n"


def test_an_editable_plugin_uses_what_was_read_at_build(build_plugin, native, run, folder) -> None:
    plugin = build_plugin(SCRIPT, "--editable")
    (folder / "sub" / "host.h").unlink()
    script = folder / "plugin.py"
    script.write_text(
        script.read_text() + "\nhost.later\n@host.export\ndef later(a):\n    return a\n"
    )
    assert run(native("call"), f"open {plugin}", "int add 1 2", "int later 5").stdout == "7\n5\n"
    script.write_text(script.read_text() + "\nhost.unknown\n")
    result = run(native("call"), f"open {plugin}", "int add 1 2")
    assert "HeaderNameError: host.h declares no name unknown" in result.stderr


def test_the_bare_stub_reads_the_header_itself(epy, native, run, folder) -> None:
    (folder / "plugin.py").write_text(SCRIPT)
    epy("stub", "-o", "plugin.so")
    assert run(native("call"), "open ./plugin.so", "int add 1 2").stdout == "7\n"


def test_export_takes_a_symbol_s_name_and_another_prototype(build_plugin, native, run, folder):
    plugin = build_plugin("""
import epy
host = epy.header("sub/host.h")

@host.export(name="add")
def any_name(a, b):
    return a - b

@host.export(name="minus", like="add", error=9)
def minus(a, b):
    return a // b

@host.export("int later(int a)")
def by_text(a):
    return a * 2

@host.export("int other(struct pair *, visitor)")
def other(pair, visitor):
    return 0
""")
    commands = ("int add 5 3", "int minus 7 2", "int minus 7 0", "int later 4")
    assert run(native("call"), f"open {plugin}", *commands).stdout == "2\n3\n9\n8\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "@host.export\ndef ad(a, b): pass",
            "no function ad: did you mean add? Or give its prototype",
        ),
        (
            "@host.export('long add(int, int)')\ndef f(a, b): pass",
            "'long add(int, int)' differs from host.h, which has 'int add(int, int)'",
        ),
        ("@host.export('int f(nothing *)')\ndef f(a): pass", "has the unknown type 'nothing'"),
        ("@host.export\ndef add(a): pass", "takes 1 argument, but its prototype has 2"),
        ("@host.export\ndef twice(a): pass", "twice is an inline function, which no library has"),
        ("@host.export\ndef SCALE(a): pass", "SCALE is no function"),
        ("host.twice(1)", "host.h: twice is an inline function, which no library has"),
        (
            "host.callback('nope')",
            'nope: check its spelling and #ifs, or give its prototype as text, "int',
        ),
        ("host.struct.par", "declares no struct, union or enum par: did you mean pair"),
        (
            "host.export_data('nope', 1)",
            "declares no variable nope: check its spelling and #ifs, or use epy.export",
        ),
        ("host.export_data('table', [1, 'x'])", "`int table[3]`: [1, 'x'] does not fit element 1"),
        ("epy.header('sub/none.h')", "header 'sub/none.h' not found: give its folder by include="),
        ("epy.header('int f(x y);')", "<text>:1: the type 'x' is not declared in `int f(x y);`"),
        ("epy.header('int f(int,;')", "does not parse"),
        ("host.pair(a='x')", "pair.a is `int a`: 'x' does not fit"),
        ("host.pair(c=1)", "pair has no field c"),
        (
            "wide = epy.header('int f(int a, __int128 b);')\n@wide.export\ndef f(a, b): pass",
            "f: parameter 2: __int128: 128-bit integers are not supported",
        ),
        ("epy.header('sub/host.h', types={'pair': int})", "declares no type pair"),
        (
            "@host.export\ndef add(a: epy.Plugin, b): pass",
            "parameter 'a' has the type Plugin, which is no C type",
        ),
        (
            "from ctypes import c_double\n@host.export\ndef add(a: c_double, b): pass",
            "parameter 'a' is annotated `double`, but the header has `int`",
        ),
    ],
)
def test_mistakes_are_one_line_at_build(epy, folder, line, message) -> None:
    (folder / "plugin.py").write_text(f"import epy\nhost = epy.header('sub/host.h')\n{line}\n")
    result = epy("build", "plugin.py", status=2)
    assert message in result.stderr
    assert re.match(r"epy: .*plugin.py:\d+", result.stderr)
    assert result.stderr.count("\n") == 1


def test_structs_by_pointer_and_refined_parameters(build_plugin, compile_c, run, folder) -> None:
    build_plugin("""
import epy
from ctypes import POINTER, c_char, c_void_p
host = epy.header("sub/host.h")

@host.export
def sum(p: c_void_p) -> int:
    return host.pair.from_address(p).a

@host.export
def plus(p, kind, data: POINTER(c_char)):
    p.a += 1
    p.b = kind
    return p.a + p.b + len(data[:4])
""")
    host = compile_c(
        HEADER
        + """
#include <stdio.h>
int main(void) {
    struct pair p = {10, 20};
    printf("%d\\n", sum(&p));
    printf("%d\\n", plus(&p, 200, "abcdef"));
    printf("%d %d\\n", p.a, p.b);
}
""",
        "-L.",
        "-l:plugin.so",
        "-Wl,-rpath,.",
    )
    assert run(host).stdout == "10\n215\n11 200\n"


def test_exported_data_has_the_type_of_the_header(build_plugin, compile_c, run, folder) -> None:
    """And is complete before Python starts."""
    plugin = build_plugin("""
import epy
host = epy.header("sub/host.h")
table = host.export_data("table", [1, 2])
host.export_data("origin", {"b": 5})
host.export_data("greeting", "hello")
host.export_data("words", ["one", "two", None])

@host.export
def later(a):
    return table[1] + a
""")
    host = compile_c(
        f"""
#include <dlfcn.h>
#include <stdio.h>
int main(void) {{
    void *plugin = dlopen("{plugin}", RTLD_NOW);
    int *table = dlsym(plugin, "table"), *origin = dlsym(plugin, "origin");
    const char *const *words = dlsym(plugin, "words");
    printf("%d %d %d %d %d %s %s %s %d\\n", table[0], table[1], table[2], origin[0], origin[1],
           (char *)dlsym(plugin, "greeting"), words[0], words[1], words[2] == NULL);
    table[1] = 40;
    printf("%d\\n", ((int (*)(int))dlsym(plugin, "later"))(2));
}}
""",
        "-ldl",
    )
    assert run(host).stdout == "1 2 0 0 5 hello one two 1\n42\n"


def test_definitions_and_folders_of_the_command_line(build_plugin, native, run, tmp_path) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "far" / "away" / "deep.h").write_text("#ifdef WIDE\nint get(int a);\n#endif\n")
    script = """
import epy
host = epy.header("deep.h")
@host.export
def get(a):
    return a
"""
    plugin = build_plugin(script, "-I", "far/away", "-D", "WIDE")
    assert run(native("call"), f"open {plugin}", "int get 4").stdout == "4\n"
    include = "include=['far/away'], define={'WIDE': 1}"
    plugin = build_plugin(script.replace('"deep.h"', f'"deep.h", {include}'))
    assert run(native("call"), f"open {plugin}", "int get 4").stdout == "4\n"


def test_two_headers_and_the_same_one_twice(build_plugin, native, run, folder) -> None:
    plugin = build_plugin("""
import epy
one = epy.header("sub/host.h")
two = epy.header("struct pair { long a, b; }; int get(int a);")
assert epy.header("sub/host.h") is one
assert epy.header("sub/host.h", errors={"status": 1}) is not one

@two.export
def get(a):
    return two.pair(1 << 40, a).b + one.pair(1, 2).b
""")
    assert run(native("call"), f"open {plugin}", "int get 4").stdout == "6\n"


CANNOT = """
int ok(void);
static inline int twice(int a) { a += a; return a; }
#define CALL(x) other(x)
typedef float four __attribute__((vector_size(16)));
struct odd { struct gone a; };
"""


def test_inspect_lists_what_a_header_gives_and_what_it_cannot(epy, folder) -> None:
    text = epy("inspect", "--header", "sub/host.h").stdout
    for line in (
        "int add(int, int)",
        "int print(const char *format, ...)",
        "struct pair   8 bytes",
        "SCALE = 3",
        "int table[3]",
        "twice: is an inline function, which no library has",
    ):
        assert f"\n  {line}\n" in text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("twice", "is an inline function, which no library has"),
        ("CALL", "is a macro with arguments that calls other"),
        ("four", "the attribute vector_size is not supported"),
        ("odd", "field has incomplete type 'struct gone'"),
    ],
)
def test_inspect_gives_the_reason_that_a_use_raises(epy, tmp_path, name, reason) -> None:
    (tmp_path / "cannot.h").write_text(CANNOT)
    listed = epy("inspect", "--header", "cannot.h").stdout
    assert re.search(rf"^  (struct )?{name}: .*{reason}", listed, re.MULTILINE), listed
    (tmp_path / "plugin.py").write_text(f"import epy\nepy.header('cannot.h').{name}\n")
    assert reason in epy("build", "plugin.py", status=2).stderr


def test_unload_drops_what_was_kept(build_plugin, native, run, folder) -> None:
    plugin = build_plugin("""
import epy
host = epy.header(
    "struct s { const char *text; struct s *next; int (*call)(struct s *); }; int use(void);"
)
memory = host.s(next={}, call=lambda it: 0)

@host.export
def use():
    from ctypes import pointer, cast, c_void_p, POINTER
    place = cast(cast(pointer(memory), c_void_p), POINTER(host.s))
    place.text = "x" * 100000
    return len(place.text)
""")
    result = run(native("call"), f"cycle 120 {plugin} use").stdout.split()
    assert result[0] == "100000"
    assert int(result[1]) < 6000  # KB; 12,000 if each cycle kept its 100; sanitizers need some


def test_unload_drops_the_classes_of_a_header(build_plugin, native, run, folder) -> None:
    plugin = build_plugin("""
import gc, epy
host = epy.header(
    "enum e { A }; typedef int (*step)(struct s *, char *);"
    "struct s { struct s *next; step call; enum e kind; int bits : 3; struct s *all[2]; };"
    "int use(void);"
)
memory = host.s(next={}, call=lambda it, text: 0, kind=host.A, bits=1, all=[{}, None])
memory.call(memory, "text")

@host.callback("step")
def step(it, text):
    return it.kind

@host.export
def use():
    gc.collect()
    return sum(isinstance(it, type) and it.__name__ in ("s", "LP_s") for it in gc.get_objects())
""")
    result = run(native("call"), f"cycle 5 {plugin} use").stdout.split()
    assert result[0] == "2"
