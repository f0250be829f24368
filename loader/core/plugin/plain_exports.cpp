#include "loader/core/plugin/plain_exports.h"

#include <charconv>
#include <iterator>
#include <string>
#include <string_view>

#include "loader/core/call/callback.h"
#include "loader/core/call/scope.h"
#include "loader/core/guarded.h"
#include "loader/core/plugin/native_plugin.h"

namespace epy {

namespace {

// A call does not run the body of such functions.
constexpr int deferred = CO_GENERATOR | CO_COROUTINE | CO_ITERABLE_COROUTINE | CO_ASYNC_GENERATOR;

constexpr int looked_at = 8; // functions that a script may leave out in a row

struct field {
    std::string_view name; // in `epy._archive.FIELDS`
    std::string_view stored_function::*place;
};

constexpr field fields[] = {
    {"name", &stored_function::name},   {"slot", &stored_function::slot},
    {"codes", &stored_function::codes}, {"text", &stored_function::text},
    {"error", &stored_function::error}, {"plain", &stored_function::plain},
};

// The fields by their names, a tuple; false with an exception if they are not these.
bool put_in_order(PyObject *names, std::vector<std::string_view stored_function::*> &columns) {
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(names); ++index) {
        const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, index));
        for (const field &one : fields) {
            if (name != nullptr && one.name == name) {
                columns.push_back(one.place);
            }
        }
    }
    if (columns.size() != std::size(fields) && PyErr_Occurred() == nullptr) {
        PyErr_SetString(PyExc_ValueError, "functions have other fields");
    }
    return columns.size() == std::size(fields);
}

// False at the end.
bool read(const plain_exports &start, Py_ssize_t begin, stored_function &out) {
    PyObject *rows = start.rows.get();
    const std::string_view all(PyBytes_AS_STRING(rows),
                               static_cast<std::size_t>(PyBytes_GET_SIZE(rows)));
    auto place = static_cast<std::size_t>(begin);
    for (const auto column : start.columns) {
        const std::size_t newline = all.find('\n', place);
        if (newline == std::string_view::npos) {
            return false;
        }
        out.*column = all.substr(place, newline - place);
        place = newline + 1;
    }
    out.end = static_cast<Py_ssize_t>(place);
    return true;
}

// Where in the rows the next function with this C text is, or -1.
Py_ssize_t find(plain_exports &start, PyObject *text) {
    if (!PyUnicode_IS_COMPACT_ASCII(text)) {
        return -1;
    }
    const std::string_view wanted(reinterpret_cast<const char *>(PyUnicode_1BYTE_DATA(text)),
                                  static_cast<std::size_t>(PyUnicode_GET_LENGTH(text)));
    Py_ssize_t place = start.cursor;
    stored_function one;
    for (int i = 0; i < looked_at && read(start, place, one); ++i, place = one.end) {
        if (one.text == wanted && !one.plain.empty()) {
            start.cursor = one.end;
            return place;
        }
    }
    return -1;
}

bool fits(PyObject *function, std::size_t parameters) {
    if (!Py_IS_TYPE(function, &PyFunction_Type) ||
        reinterpret_cast<PyFunctionObject *>(function)->func_dict != nullptr) {
        return false; // it may wrap another
    }
    const auto *code = reinterpret_cast<PyCodeObject *>(PyFunction_GET_CODE(function));
    return static_cast<std::size_t>(code->co_argcount) == parameters &&
           code->co_kwonlyargcount == 0 && (code->co_flags & deferred) == 0;
}

// Mostly that of the Python function. Nothing if it is written with escapes.
ref name_of(PyObject *function, std::string_view stored) {
    PyObject *name = reinterpret_cast<PyFunctionObject *>(function)->func_name;
    Py_ssize_t size = 0;
    const char *text = PyUnicode_AsUTF8AndSize(name, &size);
    if (text != nullptr && stored == std::string_view(text, static_cast<std::size_t>(size))) {
        return ref::borrowed(name);
    }
    PyErr_Clear();
    return stored.find('\\') == std::string_view::npos
               ? ref(PyUnicode_DecodeUTF8(stored.data(), static_cast<Py_ssize_t>(stored.size()),
                                          nullptr))
               : ref();
}

// The callback; nothing without an exception if Python shall do it, which says what is wrong.
ref export_at_once(const module_state &state, PyObject *native, Py_ssize_t place,
                   PyObject *function) {
    const plain_exports &start = exports_of_start(native);
    stored_function stored;
    unsigned slot = 0;
    if (!start.rows || !read(start, place, stored) || !fits(function, stored.codes.size() - 1) ||
        std::from_chars(stored.slot.data(), stored.slot.data() + stored.slot.size(), slot).ec !=
            std::errc() ||
        PyDict_GetItemWithError(PyImport_GetModuleDict(), start.ctypes.get()) != nullptr) {
        return {}; // with ctypes it is an instance of that
    }
    const ref offered = ref::borrowed(start.offered.get()); // the start may end meanwhile
    const ref name = name_of(function, stored.name);
    if (!name || PyDict_Contains(offered.get(), name.get()) != 0) {
        return {};
    }
    const std::string codes(stored.codes);
    ref made = new_export_of_plain_types(state, function, codes.c_str(), name.get(), native);
    const bool done = made && publish_callback(native, slot, *record_of(state, made.get())) &&
                      PyDict_SetItem(offered.get(), name.get(), made.get()) == 0;
    return done ? std::move(made) : ref();
}

PyObject *item(PyObject *tuple, Py_ssize_t index) { return PyTuple_GET_ITEM(tuple, index); }

// The decorator that `epy.export("C text")` is: of (module, export, text, plugin, place).
PyObject *decorate(PyObject *self, PyObject *function) {
    const Py_ssize_t place = PyLong_AsSsize_t(item(self, 4));
    ref made = export_at_once(state_of(item(self, 0)), item(self, 3), place, function);
    if (made || PyErr_Occurred() != nullptr) {
        return made.release();
    }
    const ref general(PyObject_CallOneArg(item(self, 1), item(self, 2)));
    return general ? PyObject_CallOneArg(general.get(), function) : nullptr;
}

PyMethodDef decorator = {"export", guarded<decorate>, METH_O, nullptr};

// `epy.export` itself: of (module, export).
PyObject *offer(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    PyObject *general = item(self, 1);
    PyObject *native = running_plugin(state_of(item(self, 0)));
    if (count == 1 && names == nullptr && PyUnicode_CheckExact(arguments[0]) && native != nullptr) {
        plain_exports &start = exports_of_start(native);
        const Py_ssize_t found = start.rows ? find(start, arguments[0]) : -1;
        if (found >= 0) {
            const ref place(PyLong_FromSsize_t(found));
            const ref of(
                place ? PyTuple_Pack(5, item(self, 0), general, arguments[0], native, place.get())
                      : nullptr);
            return of ? PyCFunction_New(&decorator, of.get()) : nullptr;
        }
    }
    return PyObject_Vectorcall(general, arguments, static_cast<std::size_t>(count), names);
}

PyMethodDef exporter = {
    "export", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(guarded<offer>)),
    METH_FASTCALL | METH_KEYWORDS,
    "export(what=None, /, *, name=None, error=None, errno=False, version=None, jit=False)\n--\n\n"
    "Decorator: offer a Python function to the host as a C function."};

} // namespace

PyObject *begin_plain_exports(plain_exports &start, PyObject *arguments) {
    PyObject *rows = nullptr;
    PyObject *names = nullptr;
    PyObject *offered = nullptr;
    if (PyArg_ParseTuple(arguments, "O!O!O!:begin_start", &PyBytes_Type, &rows, &PyTuple_Type,
                         &names, &PyDict_Type, &offered) == 0) {
        return nullptr;
    }
    plain_exports begun{ref::borrowed(rows),
                        {},
                        0,
                        ref::borrowed(offered),
                        ref(PyUnicode_InternFromString("ctypes"))};
    if (!begun.ctypes || !put_in_order(names, begun.columns)) {
        return nullptr;
    }
    start = std::move(begun);
    Py_RETURN_NONE;
}

PyObject *plain_exporter(PyObject *module, PyObject *general) {
    const ref of(PyTuple_Pack(2, module, general));
    return of ? PyCFunction_New(&exporter, of.get()) : nullptr;
}

} // namespace epy
