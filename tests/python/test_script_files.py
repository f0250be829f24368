"""What a script brings along: modules beside it, a package's modules and data files."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def lay(tmp_path):
    """`lay({path: text})` below `tmp_path`."""

    def lay(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return lay


@pytest.fixture
def call(native, run):
    """`call(plugin, name)`: the text that a function of a plugin gives to a host."""

    def call(plugin, name, **options):
        result = run(native("call"), f"open ./{plugin}", f"text 0:{name}", **options)
        assert result.stderr == ""
        return result.stdout.rstrip("\n")

    return call


HEAD = "import epy\n"
EXPORT = "\n@epy.export\ndef text() -> epy.c_str:\n    "

# ---- beside a script of one file

BESIDE = {
    "plugin.py": HEAD + "import utils, helpers.deep as deep" + EXPORT + "return utils.name()"
    " + deep.NAME + late()\ndef late():\n    from later import NAME\n    return NAME\n",
    "utils.py": "import more\ndef name(): return more.NAME\n",
    "more.py": "NAME = 'more '\n",
    "later.py": "import helpers\nNAME = helpers.NAME\n",
    "helpers/__init__.py": "NAME = 'helpers'\n",
    "helpers/deep.py": "from . import NAME as OTHER\nNAME = 'deep of ' + OTHER + ' '\n",
    "unused.py": "raise SystemExit\n",
}


def test_a_script_brings_the_modules_beside_it_that_it_imports(epy, lay, call, tmp_path):
    lay(BESIDE)
    epy("build", "plugin.py")
    (tmp_path / "gone").mkdir()
    for name in ("plugin.py", "utils.py", "more.py", "later.py", "helpers"):
        os.rename(tmp_path / name, tmp_path / "gone" / name)
    assert call("plugin.so", "text") == "more deep of helpers helpers"
    assert "6 modules stored" in epy("inspect", "plugin.so").stdout


@pytest.mark.parametrize(
    "command", [("build", "--editable", "plugin.py"), ("stub", "-o", "plugin.so")]
)
def test_a_script_that_is_read_from_its_place_has_the_modules_beside_it(
    epy, lay, call, tmp_path, command
):
    lay(BESIDE)
    epy(*command)
    assert call("plugin.so", "text") == "more deep of helpers helpers"
    lay({"more.py": "NAME = 'new '\n"})
    assert call("plugin.so", "text") == "new deep of helpers helpers"


def test_modules_beside_two_scripts_do_not_meet(epy, lay, native, run, tmp_path):
    for name in ("one", "two"):
        lay(
            {
                f"{name}/{name}.py": HEAD + "import utils" + EXPORT + "return utils.NAME\n",
                f"{name}/utils.py": f"NAME = {name!r}\n",
            }
        )
        epy("build", f"{name}/{name}.py")
    result = run(
        *(native("call"), "open ./one.so", "open ./two.so", "text 0:text", "text 1:text"),
    )
    assert (result.stdout, result.stderr) == ("one\ntwo\n", "")


def test_the_standard_library_comes_before_a_file_beside_the_script(epy, lay, call):
    # A folder of plugins that are named after their hosts has a sqlite3.py.
    lay(
        {
            "plugin.py": HEAD + "import sqlite3, plugin2" + EXPORT + "return sqlite3.__name__\n",
            "sqlite3.py": "raise SystemExit('not this one')\n",
            "plugin2.py": "",
        }
    )
    epy("build", "plugin.py")
    assert call("plugin.so", "text") == "sqlite3"


def test_a_module_that_is_nowhere_is_one_line_with_the_remedy(epy, lay, tmp_path):
    lay({"plugin.py": HEAD + "import no_such_module" + EXPORT + "return ''\n"})
    line = epy("build", "plugin.py", status=2).stderr.splitlines()[-1]
    assert line.startswith(f"epy: {tmp_path}/plugin.py:2: ModuleNotFoundError: No module named")
    assert line.endswith("or put it beside the script")


def test_a_file_beside_the_script_that_fails_is_named(epy, lay, tmp_path):
    lay({"plugin.py": HEAD + "import utils\n", "utils.py": "def broken(:\n"})
    assert f"{tmp_path}/utils.py:1: invalid syntax" in epy("build", "plugin.py", status=2).stderr


# ---- data files of a package

DATA = {
    "model/__init__.py": HEAD
    + "import importlib.resources as resources, pkgutil\nfiles = resources.files(__package__)\n"
    + EXPORT
    + "return (files / 'table.csv').read_text()\n"
    + EXPORT.replace("text()", "old()")
    + "return pkgutil.get_data(__name__, 'sub/deep.bin').decode('latin-1')\n"
    + EXPORT.replace("text()", "listed()")
    + "return ' '.join(sorted(one.name for one in files.iterdir()))"
    + " + ' ' + str((files / 'sub').is_dir()) + str((files / 'sub').is_file())\n"
    + EXPORT.replace("text()", "path()")
    + "\n    with resources.as_file(files.joinpath('sub', 'deep.bin')) as path:"
    + "\n        return str(len(path.read_bytes()))\n"
    + EXPORT.replace("text()", "modules()")
    + "return ' '.join(f'{m.name}{m.ispkg:d}' for m in pkgutil.walk_packages(__path__, '.'))\n"
    + EXPORT.replace("text()", "inner()")
    + "\n    from . import sub, names"
    + "\n    inside = resources.files(names).joinpath('in.txt').read_text()"
    + "\n    with resources.files(sub).joinpath('deep.bin').open('rb') as stream:"
    + "\n        return inside + str(len(stream.read()))\n"
    + EXPORT.replace("text()", "missing()")
    + "\n    try: pkgutil.get_data(__name__, 'none.csv')"
    + "\n    except FileNotFoundError as error: first = type(error).__name__"
    + "\n    try: (files / 'none.csv').read_text()"
    + "\n    except FileNotFoundError as error: return first + type(error).__name__\n",
    "model/util.py": "",
    "model/table.csv": "1,2,3",
    "model/sub/__init__.py": "",
    "model/sub/more.py": "",
    "model/sub/deep.bin": bytes(range(200, 256)),
    "model/names/in.txt": "inside ",
    "model/names/module.py": "",
    "model/not-a-name/data": "x",
    "model/.hidden": "x",
    "model/__pycache__/x.pyc": "x",
}
ANSWERS = {
    "text": "1,2,3",
    "old": bytes(range(200, 256)).decode("latin-1"),
    "listed": "__init__.py names not-a-name sub table.csv util.py TrueFalse",
    "path": "56",
    "inner": "inside 56",
    "missing": "FileNotFoundErrorFileNotFoundError",
}


@pytest.fixture(params=["stored", "editable"])
def model(request, epy, lay, tmp_path):
    lay(DATA)
    if request.param == "editable":
        epy("build", "--editable", "model")
    else:
        epy("build", "model")
        os.rename(tmp_path / "model", tmp_path / "away")
    return "model.so"


@pytest.mark.parametrize("name", ANSWERS)
def test_a_package_reads_its_data_files(model, call, name):
    assert call(model, name) == ANSWERS[name]


def test_a_package_lists_its_modules(model, call):
    # walk_packages imports what it goes down into, by the prefix that it got.
    assert call(model, "modules").split() == [".names1", ".sub1", ".util0"]


def test_data_files_of_a_package_beside_a_script(epy, lay, call, tmp_path):
    lay(
        {
            "plugin.py": HEAD + "import tables" + EXPORT + "return tables.read()\n",
            "tables/__init__.py": "import pkgutil\n"
            "def read(): return pkgutil.get_data(__name__, 'one.txt').decode()\n",
            "tables/one.txt": "one",
        }
    )
    epy("build", "plugin.py")
    os.rename(tmp_path / "tables", tmp_path / "away")
    assert call("plugin.so", "text") == "one"


def test_inspect_counts_the_files(epy, lay):
    lay(DATA)
    epy("build", "model")
    assert "(5 modules, 4 files stored)" in epy("inspect", "model.so").stdout


def test_a_plugin_in_its_package_does_not_hold_the_plugin_before_it(epy, lay, tmp_path):
    lay({"model/__init__.py": HEAD + EXPORT + "return ''\n"})
    plugin = tmp_path / "model" / "model.so"
    sizes = set()
    for _ in range(3):
        epy("build", "model", "-o", plugin)
        sizes.add(plugin.stat().st_size)
    assert len(sizes) == 1


def test_links_in_a_circle_are_followed_once(epy, lay, tmp_path, call):
    lay({"model/__init__.py": HEAD + EXPORT + "return 'round'\n", "model/sub/data": ""})
    (tmp_path / "model" / "sub" / "up").symlink_to("..")
    epy("build", "model")
    assert call("model.so", "text") == "round"


def test_a_data_file_that_cannot_be_read_is_named(epy, lay, tmp_path):
    lay({"model/__init__.py": HEAD + EXPORT + "return ''\n"})
    (tmp_path / "model" / "gone.csv").symlink_to("nowhere")
    (line,) = epy("build", "model", status=2).stderr.splitlines()
    assert line.startswith(f"epy: {tmp_path}/model/gone.csv: cannot be read")
    assert os.listdir(tmp_path) == ["model"]


def test_a_data_file_is_not_read_from_a_plugin_that_is_gone(epy, lay, native, run):
    lay(
        {
            "model/__init__.py": HEAD
            + "import pkgutil, sys\nname = __name__\n"
            + EXPORT
            + "\n    sys.read_late = pkgutil.get_data, name, __spec__.loader"
            + "\n    return 'ready'\n",
            "model/data": "x",
            "probe.py": HEAD + "import os, sys" + EXPORT + "get, name, loader = sys.read_late\n"
            "    try: return str(loader.get_data(os.path.join(os.getcwd(), 'model', 'data')))\n"
            "    except epy.UnloadedError as error: return type(error).__name__\n",
        }
    )
    epy("build", "model")
    epy("build", "probe.py")
    commands = ("open ./model.so", "open ./probe.so", "text 0:text", "text 1:text", "close 0")
    result = run(native("call"), *commands, "text 1:text")
    assert (result.stdout, result.stderr) == ("ready\nb'x'\nUnloadedError\n", "")
