"""C prototypes and headers that a script first uses while its plugin runs: no reader is there."""

SCRIPT = """
import sys
import epy
from epy import callback

if not epy.building:
    sys.modules.update(dict.fromkeys(("subprocess", "epy._c.process")))  # import raises

host = epy.header("typedef struct thing thing; int apply(int (*f)(void), void *data);")
HOOK = "long hook(thing *, long)"

class Plugin:
    host = host

    def attribute(self, n):
        return self.host.callback("int (*)(thing *, short)", lambda t, n: n * 4)(None, n)

def attempt(function):
    try:
        return function()
    except epy.Error as error:
        print(type(error).__name__, str(error).partition("<lambda>() ")[2] or error, flush=True)
        return -1

@epy.export("int literal(int n)")
def literal(n):
    return host.callback("int (*)(thing *,  int)", lambda t, n: n * 2)(None, n)

@epy.export("int by_name(int n)")
def by_name(n):
    return host.callback(HOOK, lambda t, n: n * 3)(None, n)

@epy.export("int by_attribute(int n)")
def by_attribute(n):
    return Plugin().attribute(n)

@epy.export("int of_epy(int n)")
def of_epy(n):
    @epy.callback("int (*)(size_t, int)")
    def first(size, n):
        return n * 5
    return first(0, n) + callback("int (*)(char)", lambda c: 1)(b"x")

@epy.export("int registered(int n)")
def registered(n):
    host.export("int late(int n)")(lambda n: n * 6)
    return epy.next_function("abs", "int abs(int)")(-n)

@epy.export("int made(int n)")
def made(n):
    made = "int (*)(thing *, %s)" % "double"
    attempt(lambda: host.callback(made, lambda t, x: 0))
    attempt(lambda: epy.callback(made, lambda t, x: 0))
    attempt(lambda: host.callback("int (*)(nothing *)", lambda t: 0))
    attempt(lambda: epy.callback("int (*)(nothing *)", lambda t: 0))
    attempt(lambda: epy.header("int later(int);"))
    return 7
"""
AGAIN = "and run `epy build` again"
MADE = (
    "the C prototype 'int (*)(thing *, double)' was not read when the plugin was built: write it "
    f"as a literal in the call, or use it once at the script's top level, {AGAIN}"
)
UNKNOWN = "the C prototype 'int (*)(nothing *)' has the unknown type 'nothing': d"
EXPECTED = [
    f"HeaderNameError {MADE}",
    f"SignatureError {MADE}",
    f"SignatureError {UNKNOWN}eclare it in the header's text, or write void * for a pointer to it",
    f"SignatureError {UNKNOWN}efine a ctypes type nothing in the script, or write void * for a "
    "pointer to it",
    "HeaderError epy.header('int later(int);') was not read when the plugin was built: call it at "
    f"the script's top level, {AGAIN}",
]


def test_those_in_calls_that_run_later_are_read_at_build(build_plugin, native, run) -> None:
    plugin = build_plugin(SCRIPT)
    calls = ("literal", "by_name", "by_attribute", "of_epy", "registered", "late")
    result = run(native("call"), f"open {plugin}", *(f"int {name} 10" for name in calls))
    assert (result.stdout.split(), result.stderr) == (["20", "30", "40", "51", "10", "60"], "")


def test_what_was_not_read_says_what_to_do(build_plugin, native, run) -> None:
    plugin = build_plugin(SCRIPT)
    result = run(native("call"), f"open {plugin}", "int made 1")
    assert result.stdout.splitlines() == [*EXPECTED, "7"], result.stderr


def test_the_modules_of_a_package_are_read_too(epy, native, run, tmp_path) -> None:
    package = tmp_path / "plugin"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import epy, sys\nfrom .inner import hook\n"
        "if not epy.building:\n    sys.modules['subprocess'] = None\n"
        "@epy.export('int f(int n)')\ndef f(n):\n    return hook(n)\n"
    )
    (package / "hosts.py").write_text("import epy\nhost = epy.header('typedef int number;')\n")
    (package / "inner.py").write_text(
        "from . import hosts\ndef hook(n):\n"
        "    return hosts.host.callback('number (*)(number)', lambda n: n + 1)(n)\n"
    )
    epy("build", "plugin")
    assert run(native("call"), "open ./plugin.so", "int f 4").stdout == "5\n"
