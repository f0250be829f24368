"""Ways to spoil an installation for hosts with raised privileges: for test_privileges.py.

Each leaves one thing that others can change, in an installation that is served otherwise. It gets
an `Installation` of that file, and returns the plugin to call and the place that is spoiled.
"""

from __future__ import annotations

import os
import py_compile
import shutil
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

PYTHON = Path(sys._base_executable)
NOBODY = 65534
SOMEBODY = 65533

SCRIPT = """
import epy
from ctypes import c_int
{imports}
@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b
"""


def command(*parts, **options):
    subprocess.run([os.fspath(part) for part in parts], check=True, capture_output=True, **options)


def libpython() -> str:
    folder = sysconfig.get_config_var("LIBDIR")
    return f"{folder}/{sysconfig.get_config_var('INSTSONAME')}"


def give(path: Path) -> Path:
    os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    return path


def open_up(path: Path, bits: int = 0o002) -> Path:
    path.chmod(path.stat().st_mode | bits)
    return path


def own_package(place):
    shutil.copytree(place.path, place.folder / "own/package")
    place.path = place.folder / "own/package"
    place.package = place.path / "epy"
    return place.build()


def loader(place):
    return own_package(place), open_up(place.package / "libepy.so")


def loaders_owner(place):
    return own_package(place), give(place.package / "libepy.so")


def core(place):
    plugin = own_package(place)
    return plugin, open_up(next(place.package.glob("_core.*.so")))


def package_module(place):
    return own_package(place), open_up(place.package / "_plugin.py")


def package_modules_owner(place):
    return own_package(place), give(place.package / "_export.py")


def package_bytecode(place):
    plugin = own_package(place)
    return plugin, open_up(next(place.package.glob("__pycache__/_script.*.pyc")))


def package_bytecode_folder(place):
    return own_package(place), open_up(place.package / "__pycache__")


def package_folder(place):
    return own_package(place), open_up(place.package)


def folder_above_the_package(place):
    return own_package(place), open_up(place.folder / "own")


def package_by_a_link(place):
    plugin = own_package(place)
    (place.folder / "real").mkdir()
    place.package.symlink_to(place.package.rename(place.folder / "real/epy"))
    return plugin, give(place.package)


def package_by_a_link_in_an_open_folder(place):
    own = own_package(place)
    (place.folder / "real").mkdir()
    place.package.symlink_to(place.package.rename(place.folder / "real/epy"))
    return own, open_up(place.path)


def file_in_a_sticky_folder(place):
    plugin = own_package(place)
    place.path.chmod(0o1777)
    return plugin, give(place.package)


def editable_script(place):
    return place.build("--editable"), open_up(place.folder / "plugin.py")


def editable_script_of_a_group(place):
    plugin = place.build("--editable")
    os.chown(place.folder / "plugin.py", 0, SOMEBODY)
    return plugin, open_up(place.folder / "plugin.py", 0o020)


def editable_script_with_an_access_list(place):
    """The group's bits are its mask: what anybody in the list may do at most."""
    plugin, script = place.build("--editable"), place.folder / "plugin.py"
    user, somebody, group, mask, other = 1, 2, 4, 16, 32
    rights = [(user, 6, -1), (somebody, 6, SOMEBODY), (group, 4, -1), (mask, 6, -1), (other, 4, -1)]
    packed = b"".join(struct.pack("<HHi", *right) for right in rights)
    try:
        os.setxattr(script, "system.posix_acl_access", struct.pack("<I", 2) + packed)
    except OSError as error:
        pytest.skip(f"not run: no access control lists in {place.folder} ({error.strerror})")
    return plugin, script


def editable_scripts_owner(place):
    return place.build("--editable"), give(place.folder / "plugin.py")


def editable_scripts_folder(place):
    return place.build("--editable"), open_up(place.folder)


def editable_package(place):
    folder = place.folder / "plugin"
    folder.mkdir()
    (folder / "__init__.py").write_text(SCRIPT.format(imports="from . import extra"))
    (folder / "extra.py").touch()
    place.epy("build", "--editable", folder)
    return folder.with_suffix(".so"), open_up(folder / "extra.py")


def script_beside(place):
    (place.folder / "plugin.py").write_text(SCRIPT.format(imports=""))
    place.epy("stub", "-o", "plugin.so")
    return place.folder / "plugin.so", open_up(place.folder / "plugin.py")


def folder_of_a_script_beside(place):
    plugin, script = script_beside(place)
    script.chmod(0o644)
    return plugin, open_up(place.folder)


def venv(place):
    place.venv()
    return place.build(), open_up(place.folder / "venv")


def venvs_settings(place):
    place.venv()
    return place.build(), open_up(place.folder / "venv/pyvenv.cfg")


def venvs_python(place):
    place.venv()
    return place.build(), give(place.folder / "venv/bin/python")


def venvs_programs(place):
    place.venv()
    return place.build(), open_up(place.folder / "venv/bin")


def site_packages(place):
    place.venv()
    return place.build(), open_up(place.site)


def path_file(place):
    place.venv()
    (place.site / "some.pth").write_text("import keyword\n")
    return place.build(), open_up(place.site / "some.pth")


def folder_of_a_path_file(place):
    place.venv()
    added = place.folder / "added"
    added.mkdir()
    (place.site / "some.pth").write_text(f"{added}\n")
    return place.build(), open_up(added)


def importing(place, module="extra"):
    """A plugin in an environment that imports what the site-packages have."""
    place.venv()
    place.imports = f"import {module}"
    (place.site / "extra.py").touch()
    return place.build()


def own_library(place):
    """A Python whose standard library is a link in a folder of its own."""
    prefix = place.folder / "prefix"
    version = "python{}.{}".format(*sys.version_info)
    for folder in "bin", "lib":
        (prefix / folder).mkdir(parents=True)
    shutil.copy(PYTHON, prefix / "bin")
    (prefix / "lib" / version).symlink_to(Path(os.__file__).parent)
    command(
        prefix / "bin" / PYTHON.name, "-I", "-m", "venv", "--without-pip", place.folder / "venv"
    )
    place.python = place.folder / "venv/bin/python"
    return place.build(), prefix / "lib"


def folder_of_the_standard_library(place):
    plugin, folder = own_library(place)
    return plugin, open_up(folder)


def link_to_the_standard_library(place):
    plugin, folder = own_library(place)
    return plugin, give(next(folder.iterdir()))


def site_module(place):
    return importing(place), open_up(place.site / "extra.py")


def site_module_with_bytecode(place):
    plugin = importing(place)
    py_compile.compile(str(place.site / "extra.py"))
    return plugin, open_up(place.site / "extra.py")


def site_modules_bytecode(place):
    plugin = importing(place)
    return plugin, open_up(Path(py_compile.compile(str(place.site / "extra.py"))))


def folder_of_a_site_modules_bytecode(place):
    plugin = importing(place)
    return plugin, open_up(Path(py_compile.compile(str(place.site / "extra.py"))).parent)


def bytecode_without_source(place):
    plugin = importing(place)
    source = place.site / "extra.py"
    py_compile.compile(str(source), str(source.with_suffix(".pyc")))
    source.unlink()
    return plugin, open_up(source.with_suffix(".pyc"))


def archive(place):
    plugin = importing(place)
    (place.site / "extra.py").unlink()
    with ZipFile(place.folder / "extra.zip", "w") as file:
        file.writestr("extra.py", "")
    (place.site / "some.pth").write_text(f"{place.folder}/extra.zip\n")
    return plugin, open_up(place.folder / "extra.zip")


def extension(place):
    plugin = importing(place)
    (place.site / "extra.py").unlink()
    (place.folder / "used").mkdir()
    (place.folder / "used.c").write_text("int used(void) { return 1; }\n")
    (place.folder / "extra.c").write_text(
        "#include <Python.h>\n"
        "int used(void);\n"
        'static struct PyModuleDef extra = {PyModuleDef_HEAD_INIT, .m_name = "extra"};\n'
        "PyMODINIT_FUNC PyInit_extra(void) { return used() ? PyModule_Create(&extra) : NULL; }\n"
    )
    used = place.folder / "used/libused.so"
    command("cc", "-shared", "-fPIC", "-o", used, place.folder / "used.c")
    made = place.site / f"extra{sysconfig.get_config_var('EXT_SUFFIX')}"
    command("cc", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}", "-o", made,
            place.folder / "extra.c", used.parent / "libused.so",
            f"-Wl,-rpath,{used.parent}", "-Wl,-soname,extra.so")  # fmt: skip
    return plugin, open_up(made)


def library_of_an_extension(place):
    plugin, made = extension(place)
    made.chmod(0o755)
    return plugin, open_up(place.folder / "used/libused.so")


def library_that_ctypes_opens(place):
    (place.folder / "used.c").write_text("int used;\n")
    library = place.folder / "used.so"
    command("cc", "-shared", "-fPIC", "-o", library, place.folder / "used.c")
    place.imports = f"import ctypes; ctypes.CDLL('{library}')"
    return place.build(), open_up(library)


def python_library(place):
    library = place.folder / "libpython.so"
    shutil.copy(libpython(), library)
    (place.folder / "plugin.py").write_text(SCRIPT.format(imports=""))
    environment = {**os.environ, "PYTHONPATH": str(place.path)}
    code = (
        "import sys; from epy._command import build; find = build.find;"
        f"build.find = lambda *a: find(*a)._replace(libpython={str(library)!r});"
        "build.build('plugin.py')"
    )
    command(PYTHON, "-c", code, env=environment, cwd=place.folder)
    return place.folder / "plugin.so", open_up(library)


CASES = [
    loader, loaders_owner, core, package_module, package_modules_owner, package_bytecode,
    package_bytecode_folder, package_folder, folder_above_the_package, package_by_a_link,
    package_by_a_link_in_an_open_folder, file_in_a_sticky_folder,
    editable_script, editable_script_of_a_group,
    editable_script_with_an_access_list, editable_scripts_owner, editable_scripts_folder,
    editable_package, script_beside, folder_of_a_script_beside,
    venv, venvs_settings, venvs_python, venvs_programs, site_packages,
    path_file, folder_of_a_path_file, site_module, site_module_with_bytecode,
    folder_of_the_standard_library, link_to_the_standard_library, site_modules_bytecode,
    folder_of_a_site_modules_bytecode, bytecode_without_source, archive, extension,
    library_of_an_extension, library_that_ctypes_opens, python_library,
]  # fmt: skip

IN_A_JOINED_PYTHON = [
    loader, core, package_module, package_bytecode, folder_above_the_package, editable_script,
    editable_scripts_folder, editable_package, script_beside, venv, venvs_settings,
]  # fmt: skip
