#include "loader/core/noted_error.h"

#include <algorithm>
#include <new>
#include <string>
#include <string_view>

#include "loader/core/package.h"

namespace epy {

const host_services *host = nullptr;

namespace {

std::string attribute(PyTypeObject *type, const char *name) {
    const ref found(PyObject_GetAttrString(reinterpret_cast<PyObject *>(type), name));
    PyErr_Clear();
    return c_text(found.get()).get();
}

// "spam.SpamError". A script's modules have a private name, "spam@9c0e6a51d27f83b4.util"; epy's own
// classes are epy's, wherever they are; built-in classes are known by their own name alone.
std::string name_of(PyTypeObject *type) {
    const std::string own = attribute(type, "__qualname__");
    std::string module = attribute(type, "__module__");
    if (const std::size_t begin = module.find('@'); begin != std::string::npos) {
        module.erase(begin, std::min(module.find('.', begin), module.size()) - begin);
    }
    if (module.starts_with("epy._")) {
        module = "epy";
    }
    return module.empty() || module == "builtins" ? own : module + "." + own;
}

ref format_exception(PyObject *exception) {
    ref text = package::call(package::format_exception, {exception});
    PyErr_Clear();
    return text;
}

std::string names_of_bases(PyTypeObject *type) {
    std::string names;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
        names +=
            name_of(reinterpret_cast<PyTypeObject *>(PyTuple_GET_ITEM(type->tp_mro, i))) + "\n";
    }
    return names;
}

void note(PyObject *exception, const char *plugin, const char *function, const char *traceback,
          const char *thread) {
    const std::string type = name_of(Py_TYPE(exception));
    const std::string classes = names_of_bases(Py_TYPE(exception));
    const ref text(PyObject_Str(exception));
    PyErr_Clear();
    const c_text message(text.get());
    const ref made = traceback != nullptr ? ref() : format_exception(exception);
    const c_text shown(made.get());
    host->set_error({type.c_str(), message.get(), traceback == nullptr ? shown.get() : traceback,
                     plugin, function, thread, classes.c_str()});
}

} // namespace

c_text::c_text(PyObject *text) noexcept
    : bytes_(text == nullptr || PyUnicode_Check(text) == 0
                 ? nullptr
                 : PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace")) {
    PyErr_Clear();
}

ref taken_exception() noexcept {
    PyObject *kind = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&kind, &value, &traceback);
    PyErr_NormalizeException(&kind, &value, &traceback);
    if (traceback != nullptr && value != nullptr) {
        PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(kind);
    Py_XDECREF(traceback);
    return ref(value);
}

void note_error(PyObject *exception, const char *plugin, const char *function,
                const char *traceback, const char *thread) {
    if (host == nullptr || exception == nullptr) {
        return;
    }
    try {
        note(exception, plugin, function, traceback, thread);
    } catch (const std::bad_alloc &) {
        host->set_error({"MemoryError", nullptr, nullptr, plugin, function, thread,
                         "MemoryError\nException\nBaseException\nobject\n"});
    }
}

bool is_named(PyTypeObject *type, const char *name) noexcept {
    try {
        const std::string names = std::string("\n").append(names_of_bases(type));
        const bool has_module = std::string_view(name).find('.') != std::string_view::npos;
        const auto has = [&](const char *before) {
            std::string wanted(before);
            wanted.append(name).append("\n");
            return names.find(wanted) != std::string::npos;
        };
        return has("\n") || (!has_module && has("."));
    } catch (const std::bad_alloc &) {
        return false;
    }
}

} // namespace epy
