"""Names of a header that a script uses in code that no build runs are looked up all the same."""

from __future__ import annotations

import pytest

HEADER = """
struct point { int x; };
struct opaque;
enum color { RED };
#define ANSWER 42
#define BROKEN do {
int f(int);
"""
SCRIPT = '''
import epy
host = epy.header("""{header}""")
{before}
@host.export
def f(x):
{body}
'''


def script(body: str, before: str = "") -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return SCRIPT.format(header=HEADER, before=before, body=lines)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return host.ANSWR", "14: the header text declares no name ANSWR: did you mean ANSWER?"),
        ("return [host.ANSWER for _ in host.REDD]", "no name REDD: did you mean RED?"),
        (
            "if x:\n    def inner():\n        return lambda: host.fff\nreturn 1",
            "16: the header text",
        ),
        ("h = host\nreturn h.ANSWR", "15: the header text declares no name ANSWR"),
        ("return host.struct.pointt", "no struct, union or enum pointt: did you mean point"),
        ("return host.enum.colour", "no enum colour: did you mean color"),
        ("return host.BROKEN", "the header text: BROKEN is a macro that is no expression"),
        ("match x:\n    case host.ANSWR:\n        pass", "15: the header text declares no name"),
        ("class C:\n    host = 1\n    def g(self): return host.ANSWR", "16: the header text"),
        ("return f'{host.ANSWR}'", "declares no name ANSWR"),
        ("try:\n    return host.ANSWR\nexcept ValueError:\n    pass", "no name ANSWR"),
        ("try:\n    pass\nexcept AttributeError:\n    host.ANSWR", "17: the header text"),
        ("return host.ANSWR.x.y", "declares no name ANSWR"),
    ],
)
def test_a_name_that_is_not_there_is_one_line_at_build(mistake, tmp_path, body, message) -> None:
    (tmp_path / "plugin.py").write_text(script(body))
    told = mistake("build", "plugin.py")
    assert told.startswith(f"{tmp_path}/plugin.py:")
    assert message in told
    assert not (tmp_path / "plugin.so").exists()


@pytest.mark.parametrize(
    "body",
    [
        "return host.ANSWER + host.RED + host.point(x=1).x + len(host.struct.point.__name__)",
        "return host.f(host.export is host.callback, host.enum.color.RED)",
        "if hasattr(host, 'ANSWR'):\n    return host.ANSWR\nreturn 1",
        "return host.ANSWR if getattr(host, 'ANSWR', None) else 1",
        "return host.ANSWR if 'ANSWR' in dir(host) else 1",
        "return getattr(host, 'MISSING' + str(x))",
        "try:\n    return host.ANSWR\nexcept AttributeError:\n    return 1",
        "try:\n    return host.ANSWR\nexcept (epy.HeaderNameError, ValueError):\n    return 1",
        "try:\n    return host.ANSWR\nexcept:\n    return 1",
        "import contextlib\nwith contextlib.suppress(AttributeError):\n    return host.ANSWR",
        "host = x\nreturn host.ANSWR",
        "for host in [x]:\n    host.ANSWR",
        "return lambda host: host.ANSWR",
        "return [host.ANSWR for host in [x]]",
        "with open(x) as host:\n    host.ANSWR",
        "def inner(*host):\n    return host.ANSWR",
        "import os as host\nreturn host.ANSWR",
        "try:\n    pass\nexcept ValueError as host:\n    host.ANSWR",
        "match x:\n    case host:\n        host.ANSWR",
        "h = host\nif x:\n    h = x\nreturn h.ANSWR",
        "a = b\nb = a\nreturn a.ANSWR",
        "class host:\n    pass\nreturn host.ANSWR",
        "(host := x).ANSWR\nhost.ANSWR",
        "host.count = x\nreturn x.host.ANSWR",
    ],
)
def test_what_is_uncertain_or_another_object_is_left_alone(epy, tmp_path, body) -> None:
    (tmp_path / "plugin.py").write_text(script(body))
    epy("build", "plugin.py")


def test_a_header_that_a_module_replaces_is_left_alone(epy, tmp_path) -> None:
    for before in (
        "OLD = host.ANSWER\nhost = epy.header('#define NEW 1\\nint f(int);')",
        "def start():\n    global host\n    host = None",
    ):
        (tmp_path / "plugin.py").write_text(script("return host.ANSWR", before))
        epy("build", "plugin.py")


@pytest.mark.parametrize(
    ("start", "body"),
    [
        ("from parts import host", "return host.ANSWR"),
        ("import parts", "return parts.host.ANSWR"),
        ("import parts as p", "return p.host.ANSWR"),
        ("import parts as _", "from parts import host as h\nreturn h.ANSWR"),
        ("import parts as _", "import parts\nreturn parts.host.ANSWR"),
    ],
)
@pytest.mark.parametrize("is_package", [False, True])
def test_a_header_of_another_module(mistake, tmp_path, start, body, is_package) -> None:
    (tmp_path / "plugin").mkdir()
    folder = tmp_path / "plugin" if is_package else tmp_path
    if is_package:
        start, body = (it.replace("from parts", "from .parts") for it in (start, body))
        start, body = (it.replace("import parts", "from . import parts") for it in (start, body))
    (folder / "parts.py").write_text(f'import epy\nhost = epy.header("""{HEADER}""")\n')
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    text = f"import epy\n{start}\n@epy.export('int f(int)')\ndef f(x):\n{lines}\n"
    name = "__init__.py" if is_package else "plugin.py"
    (folder / name).write_text(text)
    told = mistake("build", "plugin" if is_package else "plugin.py")
    assert f"{name}:{text.count(chr(10))}: the header text declares no name ANSWR" in told


def test_the_first_name_of_a_module_beside_the_script(mistake, tmp_path) -> None:
    (tmp_path / "plugin.py").write_text("import parts\n" + script("return 1"))
    header = HEADER.replace("\n", "\\n")
    (tmp_path / "parts.py").write_text(
        f"import epy\nhost = epy.header('{header}')\ndef g(): return host.SECOND\n"
        "def f():\n    return host.ANSWR, host.THIRD\n"
    )
    assert "parts.py:3: the header text declares no name SECOND" in mistake("build", "plugin.py")
