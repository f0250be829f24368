"""Mistakes with a header's object, and in what it is given: one line that says what to do."""

import re

import pytest

import epy as package

HEADER = (
    "typedef int t; typedef struct opaque opaque; extern int counter; int f(t a);"
    "enum e { A }; int puts(const char *text);"
)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epy.header(5)", "epy.header(5): give the name of a header, or C text"),
        ("epy.header('')", "epy.header(''): give the name of a header, or C text"),
        (
            "epy.header('int f(int)')",
            "'int f(int)' not found: if it is a text of declarations, end",
        ),
        (
            "epy.header('class X { int a; };')",
            "<text>:1: is C++, not C in `class X { int a; };`: read it",
        ),
        (
            "h.counter = 5",
            "the header text: counter is the host's: assign counter.value",
        ),
        ("h.countr = 5", "declares no variable countr: did you mean counter"),
        ("h.opaque()", "opaque has no definition in this header: only pointers to it can be used"),
        ("h.export(5)", "5 is not callable: give a function"),
        (
            "h.callback(5, print)",
            "callback(5): no function type: give a name of the header, C text",
        ),
        (
            "epy.header('typedef int t;', types={'t': 5})",
            "types={'t': 5}: give a type of ctypes or",
        ),
        (
            "epy.header('int f(int);', library='no.so').f(1)",
            "library='no.so' cannot be loaded (no.so: cannot open shared object file",
        ),
        (
            "epy.header('int f(int);', library=5).f(1)",
            "library=5 cannot be loaded (expected str, bytes or os.PathLike object, not int): give",
        ),
    ],
)
def test_mistakes_are_one_line_at_build(mistake, tmp_path, line, message) -> None:
    script = f"import epy\nh = epy.header('{HEADER}')\n{line}\n"
    (tmp_path / "plugin.py").write_text(script)
    told = mistake("build", "plugin.py")
    assert message in told
    assert re.match(r".*plugin.py:3: ", told)


def test_a_test_may_put_its_own_function_in_place_of_the_host_s(monkeypatch) -> None:
    host = package.header(HEADER)
    monkeypatch.setattr(host, "f", lambda a: a + 1)
    assert host.f(1) == 2
    monkeypatch.undo()
    assert "function f of" in repr(host.f)


def test_one_folder_may_stand_alone(epy, tmp_path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.h").write_text("typedef int number;")
    (tmp_path / "plugin.py").write_text(
        "import epy\nhost = epy.header('inner.h', include='sub')\n"
        "@host.export('number f(number)')\ndef f(n):\n    return n\n"
    )
    epy("build", "plugin.py")
    assert epy("call", "./plugin.so", "f", "5").stdout == "5\n"


DEEP = 3000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int f(int " + "*" * DEEP + "x);", "<text>: is nested too deeply, or too long: paste"),
        ("int f(int x); // \ud800", "<text>: U+D800 is no character"),
    ],
    ids=["stars", "surrogate"],
)
def test_what_cannot_be_read_at_all_is_one_line(text, message) -> None:
    with pytest.raises(package.HeaderError, match=re.escape(message)) as raised:
        package.header(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    ["(" * DEEP + "a" + ")" * DEEP, " + ".join("a" * DEEP), "a ? 1 : " * DEEP + "2"],
    ids=["brackets", "sum", "conditions"],
)
def test_a_macro_that_is_nested_too_deeply_costs_itself_alone(body) -> None:
    host = package.header(f"#define F(a) {body}\n#define G(a) (a + 1)\n")
    assert host.G(2) == 3
    with pytest.raises(package.HeaderNameError, match=r"F.* nested too deeply"):
        _ = host.F


def test_structs_in_structs_in_structs() -> None:
    deep = 240
    inside = "".join(f"struct s{i} {{ " for i in range(deep))
    host = package.header(f"{inside}int a; {'} a; ' * deep}\n")
    assert host.struct.s0(a=()).a is not None


def chain(last: str, step: str, length: int = 1000) -> str:
    """A typedef of a typedef of ..., and a function that takes the last."""
    steps = "".join(step.format(i, i + 1) for i in range(length))
    return f"{last}\n{steps}int f(t{length} x);\n"


# What CPython's own limit ends: 1,000 until 3.12, 10,000 in 3.13, the stack's size later.
LONGEST = 30_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (chain("typedef int t0;", "typedef t{} t{};\n"), "types are nested too deeply"),
        (chain("typedef int t0;", "typedef t{} *t{};\n", LONGEST), "types are nested too deeply"),
        (
            chain("typedef int t0;", "typedef int (*t{1})(t{0});\n", LONGEST),
            "types are nested too deeply",
        ),
        (
            chain(
                "struct t0 { int x; };", "typedef struct t{0} t{0};\nstruct t{1} {{ t{0} x; }};\n"
            ).replace("f(t1000", "f(struct t1000"),
            "nests structs too deeply",
        ),
        (f"int f(int {'*' * 1000}x);", "in more than 200 levels of pointers, arrays and functions"),
        (
            f"int f(int x{'[1]' * 500});",
            "in more than 200 levels of pointers, arrays and functions",
        ),
        (
            f"int f({', '.join(['int'] * 1025)});",
            "1025 parameters are more than ctypes passes, 1024",
        ),
    ],
    ids=["typedefs", "pointers", "functions", "structs", "stars", "arrays", "parameters"],
)
def test_what_nests_too_deeply_costs_itself_alone(text, message) -> None:
    host = package.header(f"{text}int g(int x);\n")
    with pytest.raises(package.Error, match=message) as raised:
        host.callback("f", lambda *arguments: 0)
    assert "\n" not in str(raised.value)
    assert host.callback("g", lambda x: x + 1)(2) == 3
