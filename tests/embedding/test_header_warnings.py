"""epy.h, epy.hpp and epy_core.h compile without a warning in each version of C and C++."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

INCLUDE = Path(__file__).parents[2] / "loader" / "include"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Werror")
C = ("c99", "c11", "c17", "c2x")
CPLUSPLUS = ("c++11", "c++14", "c++17", "c++20")
LANGUAGES = [
    *((compiler, standard) for compiler in ("gcc", "clang") for standard in C),
    *((compiler, standard) for compiler in ("g++", "clang++") for standard in CPLUSPLUS),
]

# Variadic functions as they are called: formats with arguments of all sizes, both ways.
HOST = """
#include <epy.h>
#include <stdio.h>

int of_host(int what);
int all_values(const epy_api *api, epy_plugin *plugin, epy_object *object);
int all_of_the_table(const epy_api *api, epy_plugin *plugin, epy_object *object);

static void sink(int level, const char *text, const epy_error *error, void *user) {
    (void)level, (void)error;
    fputs(text, (FILE *)user);
}
static void *create(void) { return NULL; }
static int peer_send(void *peer, const char *text) { return peer == NULL || text == NULL; }

int of_host(int what) {
    return what != 0 ? epy_raise("ValueError", "%d of %s", what, "it") : epy_raise_errno(NULL);
}

int all_values(const epy_api *api, epy_plugin *plugin, epy_object *object) {
    signed char tiny = 1;
    short small = 2;
    unsigned char byte = 3;
    float real = 0.5f;
    int number = 0;
    long long large = 0;
    ptrdiff_t length = 4;
    const char *text = NULL;
    double result = 0;
    epy_object *made = epy_build("bhBfiLs#O", tiny, small, byte, real, number, large, "text",
                                 length, object);
    const int status = epy_parse(made, "bhBfiLs#O", &byte, &small, &byte, &real, &number, &large,
                                 &text, &length, &object);
    epy_object_release(epy_call(plugin, "add", "ii", number, (int)tiny));
    epy_object_release(epy_call_kw(plugin, "add", "i{s:d}", 1, "b", (double)real));
    epy_object_release(epy_call_object(object, NULL));
    epy_object_release(epy_call_method(object, "add", "(N)", made));
    epy_object_release(epy_call_object_kw(object, "{s:i}", "a", 1));
    epy_object_release(epy_call_method_kw(object, "add", "{s:i}", "a", 1));
    epy_object_release(api->build("{s:i}", "a", 1));
    return status + epy_call_into(plugin, "half", "d", &result, "d", (double)real) +
           api->parse(object, "i", &number) + api->raise("OSError", "%zu", sizeof number);
}

int all_of_the_table(const epy_api *api, epy_plugin *plugin, epy_object *object) {
    static const epy_method methods[] = {
        {"int peer_send(Peer *self, const char *text)", (epy_function *)peer_send, NULL},
        {NULL, NULL, NULL}};
    static const epy_class peers = {"Peer", NULL, NULL, create, methods};
    epy_scope scope;
    const epy_error *error = api->last_error_info();
    if (api->register_class(&peers) != 0 || api->enter(&scope) != 0) {
        return error == NULL ? -1 : (int)error->count;
    }
    api->set_log(plugin, sink, stderr);
    api->pause(&scope);
    api->resume(&scope);
    api->leave(&scope);
    return api->plugin_state(plugin) == EPY_READY && api->object_refcount(object) == 1 &&
           epy_connect(NULL) == api;
}
"""

MODULE = """
#include <Python.h>
#include <epy_core.h>

int use(PyObject *callable);

int use(PyObject *callable) {
    PyObject *callback, *object;
    void *handle;
    if (import_epy_core() < 0) {
        return -1;
    }
    callback = epy_core->callback_new(callable, "int (*)(int)", NULL);
    handle = epy_core->handle_new(callable);
    object = epy_core->handle_object(handle, NULL);
    Py_XDECREF(object);
    Py_XDECREF(callback);
    return epy_core->handle_release(handle) + (epy_core->callback_address(callable) == NULL);
}
"""

CPLUSPLUS_HOST = "#include <epy.hpp>\n"


@pytest.fixture
def checked(run, tmp_path):
    def checked(compiler, standard, text, *flags):
        source = tmp_path / f"host.{'cpp' if '++' in compiler else 'c'}"
        source.write_text(text)
        run(
            compiler, f"-std={standard}", *WARNINGS, "-fsyntax-only", f"-I{INCLUDE}", *flags, source
        )

    return checked


@pytest.mark.parametrize(("compiler", "standard"), LANGUAGES)
def test_a_host_compiles_without_a_warning(checked, compiler, standard):
    checked(compiler, standard, HOST)


# Python's own header wants C++11 and C11, and warns by itself.
@pytest.mark.parametrize(("compiler", "standard"), [one for one in LANGUAGES if one[1] != "c99"])
def test_a_client_of_the_capsule_compiles_without_a_warning(checked, compiler, standard):
    checked(compiler, standard, MODULE, "-isystem", sysconfig.get_path("include"))


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("standard", ["c++17", "c++20"])
def test_the_cplusplus_layer_compiles_without_a_warning(checked, compiler, standard):
    checked(compiler, standard, CPLUSPLUS_HOST)
