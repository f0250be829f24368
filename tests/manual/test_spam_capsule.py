"""The manual's 1.12: a module offers its C functions in a capsule, and another one takes them."""

from __future__ import annotations

import sys
import sysconfig

SPAM = """
import ctypes
import os
import epy

@epy.export("int PySpam_System(const char *command)", error=-1)
def PySpam_System(command):
    if command == b"fail":
        raise OSError("System command failed")
    return os.system(command)

NAME = b"spam._C_API"

def make_capsule():
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
    return new(ctypes.addressof(functions), NAME, None)

functions = (ctypes.c_void_p * 1)(PySpam_System.address)
_C_API = make_capsule()
"""

CLIENT = """
#include <Python.h>

static void **PySpam_API;
#define PySpam_System (*(int (*)(const char *))PySpam_API[0])

static PyObject *run(PyObject *self, PyObject *command) {
    const char *text = PyUnicode_AsUTF8(command);
    (void)self;
    return text == NULL ? NULL : PyLong_FromLong(PySpam_System(text));
}

static PyMethodDef methods[] = {{"run", run, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "client", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_client(void) {
    PySpam_API = (void **)PyCapsule_Import("spam._C_API", 0);
    return PySpam_API == NULL ? NULL : PyModule_Create(&definition);
}
"""


def test_a_client_module_calls_the_plugins_functions(build_plugin, run, tmp_path):
    """The spam module is a plugin, which Python finds before its script."""
    build_plugin(SPAM, name="spam")
    (tmp_path / "spam.py").unlink()
    (tmp_path / "client.c").write_text(CLIENT)
    run(
        *("cc", "-Wall", "-Werror", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}"),
        *("-o", tmp_path / f"client{sysconfig.get_config_var('EXT_SUFFIX')}"),
        tmp_path / "client.c",
    )
    result = run(
        *(sys.executable, "-c"),
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import client, spam\n"
        "print(client.run('exit 2') >> 8, client.run('fail'), spam._C_API)",
    )
    assert result.stdout.startswith('2 -1 <capsule object "spam._C_API" at ')
    assert "OSError: System command failed" in result.stderr
