// A pack has the modules' code for the Python that built the plugin, and their sources if it has
// cores for others: marshalled dicts of bytes by name. They become a finder, which is a module of
// epy's too (python/epy/_packed.py) and runs before there is a package.
#include "loader/core/plugin/packed_modules.h"

#include <marshal.h>

#include <cstdio>
#include <string>

#include "loader/inflate.h"
#include "stub/pack.h"

// Of this core itself, which is open already: nothing is looked up in files.
PyMODINIT_FUNC PyInit__core();

namespace epy {

namespace {

PyObject *make_core(PyObject *, PyObject *spec) {
    PyObject *definition = PyInit__core();
    return definition == nullptr
               ? nullptr
               : PyModule_FromDefAndSpec(reinterpret_cast<PyModuleDef *>(definition), spec);
}

PyMethodDef make_core_function = {"make_core", make_core, METH_O, nullptr};

// A dict, empty without an exception if the pack has none of that name.
ref read_packed(const core_options &options, const char *name) {
    const unpacked_bytes found = unpack(find_packed(options.pack, options.pack_size, name));
    return found.start == nullptr ? ref()
                                  : ref(PyMarshal_ReadObjectFromString(
                                        found.start, static_cast<Py_ssize_t>(found.size)));
}

// Runs the finder's module, which lies among the others, and lets it find them.
ref install(const ref &modules, bool is_code) {
    PyObject *stored = modules && PyDict_Check(modules.get())
                           ? PyDict_GetItemString(modules.get(), "_packed")
                           : nullptr;
    if (stored == nullptr || !PyBytes_Check(stored)) {
        PyErr_SetString(PyExc_ImportError, "the plugin's pack is damaged: build it again");
        return {};
    }
    const ref first(
        is_code
            ? PyMarshal_ReadObjectFromString(PyBytes_AS_STRING(stored), PyBytes_GET_SIZE(stored))
            : Py_CompileString(PyBytes_AS_STRING(stored), "_packed.py", Py_file_input));
    const ref space(PyDict_New());
    const ref function(PyCFunction_New(&make_core_function, nullptr));
    if (!first || !space || !function ||
        PyDict_SetItemString(space.get(), "__builtins__", PyEval_GetBuiltins()) != 0) {
        return {};
    }
    const ref done(PyEval_EvalCode(first.get(), space.get(), space.get()));
    PyObject *function_there = done ? PyDict_GetItemString(space.get(), "install") : nullptr;
    const ref installed(function_there == nullptr
                            ? nullptr
                            : PyObject_CallFunction(function_there, "OOO", modules.get(),
                                                    is_code ? Py_True : Py_False, function.get()));
    return installed ? ref(PyImport_ImportModule("epy")) : ref();
}

} // namespace

ref import_packed_package(const core_options &options) {
    char name[sizeof(packed_file::name)];
    std::snprintf(name, sizeof name, "code %08lx",
                  static_cast<unsigned long>(PyImport_GetMagicNumber()) & 0xffffffffUL);
    ref code = read_packed(options, name);
    ref sources = code || PyErr_Occurred() != nullptr ? ref() : read_packed(options, "sources");
    if (!code && !sources) {
        if (PyErr_Occurred() == nullptr) {
            PyErr_SetString(PyExc_ImportError, "the plugin's pack is damaged: build it again");
        }
        return {};
    }
    const bool is_code = static_cast<bool>(code);
    return install(is_code ? code : sources, is_code);
}

ref import_packed_package(const std::string &modules) {
    const ref pair(
        PyMarshal_ReadObjectFromString(modules.data(), static_cast<Py_ssize_t>(modules.size())));
    return pair ? install(ref::borrowed(PyTuple_GetItem(pair.get(), 0)),
                          PyTuple_GetItem(pair.get(), 1) == Py_True)
                : ref();
}

bool packed_modules_of(PyObject *spec, std::string &modules) {
    const ref finder(PyObject_GetAttrString(spec, "loader"));
    const ref stored(finder ? PyObject_GetAttrString(finder.get(), "modules") : nullptr);
    const ref compiled(stored ? PyObject_GetAttrString(finder.get(), "compiled") : nullptr);
    const ref pair(compiled ? PyTuple_Pack(2, stored.get(), compiled.get()) : nullptr);
    const ref bytes(pair ? PyMarshal_WriteObjectToString(pair.get(), Py_MARSHAL_VERSION) : nullptr);
    PyErr_Clear();
    if (bytes) {
        modules.assign(PyBytes_AS_STRING(bytes.get()),
                       static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get())));
    }
    return static_cast<bool>(bytes);
}

} // namespace epy
