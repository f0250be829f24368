"""Another extension module asks epy for callbacks and handles, through the capsule epy._C_API."""

from __future__ import annotations

import shlex
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

MODULE = """
#include <Python.h>
#include <epy_core.h>

static int (*stored)(int, const char *);

static PyObject *make(PyObject *self, PyObject *arguments) {
    PyObject *callable, *error = NULL, *callback;
    const char *prototype;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Os|O", &callable, &prototype, &error)) {
        return NULL;
    }
    callback = epy_core->callback_new(callable, prototype, error);
    if (callback != NULL) {
        *(void **)&stored = epy_core->callback_address(callback);
    }
    return callback;
}

static PyObject *call(PyObject *self, PyObject *arguments) {
    int number, result;
    const char *text;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "iz", &number, &text)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    result = stored(number, text);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(result);
}

static PyObject *address(PyObject *self, PyObject *callback) {
    void *found = epy_core->callback_address(callback);
    (void)self;
    return found == NULL ? NULL : PyLong_FromVoidPtr(found);
}

static PyObject *give(PyObject *self, PyObject *object) {
    void *handle = epy_core->handle_new(object);
    (void)self;
    return handle == NULL && PyErr_Occurred() ? NULL : PyLong_FromVoidPtr(handle);
}

static PyObject *object_of(PyObject *self, PyObject *arguments) {
    PyObject *handle, *type = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "O|O!", &handle, &PyType_Type, &type)) {
        return NULL;
    }
    return epy_core->handle_object(PyLong_AsVoidPtr(handle), (PyTypeObject *)type);
}

static PyObject *release(PyObject *self, PyObject *arguments) {
    PyObject *handle;
    int keeps_lock, status;
    void *pointer;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Op", &handle, &keeps_lock)) {
        return NULL;
    }
    pointer = PyLong_AsVoidPtr(handle);
    if (keeps_lock) {
        return PyLong_FromLong(epy_core->handle_release(pointer));
    }
    Py_BEGIN_ALLOW_THREADS
    status = epy_core->handle_release(pointer);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(status);
}

/* What the interpreter itself holds dies after every module. */
static void ask(PyObject *capsule) {
    PyObject *object;
    void *handle;
    (void)capsule;
    handle = epy_core->handle_new((PyObject *)&PyBaseObject_Type);
    fputs(handle == NULL && PyErr_ExceptionMatches(PyExc_RuntimeError) ? "none " : "some ", stdout);
    PyErr_Clear();
    object = epy_core->handle_object(&handle, NULL);
    fputs(object == NULL && PyErr_Occurred() ? "none" : "some", stdout);
    PyErr_Clear();
}

static PyObject *ask_late(PyObject *self, PyObject *unused) {
    PyObject *last = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *capsule = PyCapsule_New(&stored, NULL, ask);
    int status = capsule == NULL ? -1 : PyDict_SetItemString(last, "client", capsule);
    (void)self;
    (void)unused;
    Py_XDECREF(capsule);
    return status < 0 ? NULL : PyLong_FromLong(0);
}

static PyMethodDef methods[] = {
    {"make", make, METH_VARARGS, NULL},       {"call", call, METH_VARARGS, NULL},
    {"address", address, METH_O, NULL},       {"give", give, METH_O, NULL},
    {"object_of", object_of, METH_VARARGS, NULL}, {"release", release, METH_VARARGS, NULL},
    {"ask_late", ask_late, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "client", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_client(void) {
    return import_epy_core() < 0 ? NULL : PyModule_Create(&definition);
}
"""

COMPILERS = ["gcc", "clang", "g++"]


@pytest.fixture
def built(epy, run, tmp_path):
    """`built(compiler, header)`: the folder of the module; `header` may change epy_core.h."""

    def built(compiler: str = "gcc", header=lambda text: text) -> Path:
        folder = next(
            Path(word[2:]) for word in shlex.split(epy("--cflags").stdout) if word.startswith("-I")
        )
        (tmp_path / "epy_core.h").write_text(header((folder / "epy_core.h").read_text()))
        source = tmp_path / f"client.{'cpp' if compiler == 'g++' else 'c'}"
        source.write_text(MODULE)
        standard = "-std=c++17" if compiler == "g++" else "-std=c99"
        run(
            *(compiler, standard, "-pedantic", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"),
            *("-isystem", sysconfig.get_path("include"), f"-I{tmp_path}"),
            *("-o", tmp_path / f"client{sysconfig.get_config_var('EXT_SUFFIX')}", source),
        )
        return tmp_path

    return built


@pytest.fixture
def tried(run):
    def tried(folder, text, **options):
        script = f"import sys; sys.path.insert(0, {str(folder)!r})\n" + textwrap.dedent(text)
        return run(sys.executable, "-c", script, **options)

    return tried


@pytest.mark.parametrize("compiler", COMPILERS)
def test_it_makes_callbacks(built, tried, compiler):
    result = tried(
        built(compiler),
        """
        import client, epy, gc, weakref
        class Adder:
            def __call__(self, number, text):
                if number < 0:
                    raise ValueError("negative")
                return number + len(text)
        adder = Adder()
        callback = client.make(adder, "int (*)(int, const char *)", -3)
        assert client.call(4, "é\\N{GREEK SMALL LETTER ALPHA}") == 6
        assert client.address(callback) == callback.address
        assert client.call(-1, "x") == -3
        alive = weakref.ref(adder)
        del adder
        assert alive() and client.call(1, "") == 1
        del callback
        gc.collect()
        assert alive() is None and client.call(1, "") == -3
        for wrong in ("no prototype", "struct s f(int)", "int f(int)"):
            try:
                client.make(lambda a, b: 0, wrong)
            except epy.SignatureError as error:
                print(error)
            else:
                raise AssertionError(wrong)
        try:
            client.address(3.5)
        except AttributeError:
            pass
        """,
    )
    assert len(result.stdout.splitlines()) == 3
    assert "ValueError: negative" in result.stderr
    assert "called after it was dropped" in result.stderr


def test_it_gives_and_takes_handles(built, tried):
    tried(
        built(),
        """
        import client, epy, gc, weakref
        class Thing: pass
        class Other: pass
        thing = Thing()
        alive = weakref.ref(thing)
        handle = client.give(thing)
        assert handle and client.give(thing) == handle
        assert client.object_of(handle) is thing and client.object_of(handle, Thing) is thing
        assert client.give(None) == 0 and client.object_of(0) is None
        for wrong in ((handle, Other), (handle + 8,), (4096,)):
            try:
                client.object_of(*wrong)
            except epy.InvalidHandleError as error:
                pass
            else:
                raise AssertionError(wrong)
        del thing
        assert client.release(handle, False) == 0 and alive()
        assert client.release(handle, True) == 0 and alive() is None
        assert client.release(handle, True) == -1
        thing = Thing()
        alive = weakref.ref(thing)
        handle = client.give(thing)
        del thing
        assert client.release(handle, False) == 0
        client.release(client.give(Other()), True)
        assert alive() is None
        """,
    )


def test_after_its_end_it_has_no_handles(built, tried):
    assert tried(built(), "import client; client.ask_late()").stdout == "none none"


OTHERS = {
    "version": ("#define EPY_CORE_VERSION 1", "#define EPY_CORE_VERSION 2", "has version 1"),
    "name": ('"epy._C_API"', '"epy._OTHER"', "epy has no capsule epy._OTHER"),
    "module": ('"epy._C_API"', '"epy_missing._C_API"', "epy_missing"),
    "size": (
        "int (*handle_release)(void *handle);",
        "int (*handle_release)(void *handle); void *later;",
        "for version 1 with 56",
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_does_not_fit_is_an_import_error(built, tried, what):
    old, new, message = OTHERS[what]
    folder = built(header=lambda text: text.replace(old, new))
    stdout = tried(
        folder,
        """
        try:
            import client
        except ImportError as error:
            print(error)
        """,
    ).stdout
    assert message in stdout


def test_other_interpreters_have_none(tried, tmp_path):
    stdout = tried(
        tmp_path,
        """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        import epy
        assert epy._C_API
        code = "\\n".join([
            "try:",
            "    import epy",
            "    epy._C_API",
            "except ImportError:",
            "    print('none', flush=True)",
        ])
        other = interpreters.create()
        interpreters.run_string(other, code)
        """,
    ).stdout
    assert stdout == "none\n"
