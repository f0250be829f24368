// Python opens what it is going to run in ways that can be watched: sources, cached bytecode, .pth
// files and archives through the open-code hook; extension modules, bytecode without a source and
// the libraries of ctypes are announced to audit hooks. Neither hook can be taken away again,
// whatever a script does. What is refused is an exception that no part of the import system takes
// for "try the next".
#include "loader/core/plugin/vetting.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "loader/core/guarded.h"
#include "loader/core/package.h"
#include "loader/core/process_lock.h"
#include "loader/paths.h"
#include "loader/trusted.h"
#include "stub/trust.h"

namespace epy {

namespace {

// Lives for ever, and is asked for when there is no memory.
std::string &refusal() noexcept {
    alignas(std::string) static std::byte place[sizeof(std::string)];
    static auto *text = new (place) std::string;
    return *text;
}

// The package's own class once it is imported.
ref exception_class() {
    ref found = package::take_if_imported(package::untrusted_file_error);
    return found ? std::move(found) : ref::borrowed(PyExc_RuntimeError);
}

// A Python whose start fails describes its paths at length.
void keep_quiet() {
    const ref io(PyImport_ImportModule("_io"));
    const ref nowhere(io ? PyObject_CallMethod(io.get(), "StringIO", nullptr) : nullptr);
    if (nowhere) {
        PySys_SetObject("stderr", nowhere.get());
    }
    PyErr_Clear();
}

// False with a Python exception if there is a reason.
bool is_fine(std::string reason) {
    if (reason.empty()) {
        return true;
    }
    if (Py_IsInitialized() == 0) {
        keep_quiet();
    }
    PyErr_SetString(exception_class().get(), reason.c_str());
    const process_guard guard;
    refusal() = std::move(reason);
    return false;
}

// Of a str, bytes or path object. False with a Python exception.
bool read_path(PyObject *object, std::string &path) {
    PyObject *bytes = nullptr;
    if (PyUnicode_FSConverter(object, &bytes) == 0) {
        return false;
    }
    path = PyBytes_AS_STRING(bytes);
    Py_DECREF(bytes);
    return true;
}

// What is not there must not be opened: somebody might put it there just now.
bool is_there(const std::string &path, PyObject *name) {
    if (exists(path)) {
        return true;
    }
    errno = ENOENT;
    PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, name);
    return false;
}

// Cached bytecode speaks for its source: it is the answer only as long as that is as it was.
std::string source_of(const std::string &bytecode) {
    const std::string folder = folder_of(bytecode);
    const std::size_t name = folder.size() + 1;
    if (!folder.ends_with("/__pycache__") || !bytecode.ends_with(".pyc")) {
        return {};
    }
    std::string source = folder_of(folder) + "/";
    return source.append(bytecode, name, bytecode.find('.', name) - name).append(".py");
}

PyObject *open_code(PyObject *name, void *) {
    std::string path;
    if (!read_path(name, path) || !is_there(path, name) || !is_fine(reason_against(path)) ||
        !is_fine(reason_against_if_there(source_of(path)))) {
        return nullptr;
    }
    const ref io(PyImport_ImportModule("_io"));
    return io ? PyObject_CallMethod(io.get(), "open", "Os", name, "rb") : nullptr;
}

bool is_library_to_open(PyObject *name, std::string &path) {
    if (name == Py_None) {
        return false;
    }
    if (!read_path(name, path)) {
        PyErr_Clear(); // the event's own function will say it
        return false;
    }
    return path.find('/') != std::string::npos; // otherwise the system's folders are searched
}

int watch(const char *event, PyObject *arguments, void *) {
    const bool import = std::strcmp(event, "import") == 0;
    const bool library = std::strcmp(event, "ctypes.dlopen") == 0;
    if (!import && !library && std::strcmp(event, "open") != 0) {
        return 0;
    }
    std::string path;
    PyObject *name = PyTuple_GetItem(arguments, import ? 1 : 0);
    if (name == nullptr) {
        return -1;
    }
    if (import || library) {
        const bool fine = !is_library_to_open(name, path) ||
                          (is_there(path, name) && is_fine(reason_against_object(path)));
        return fine ? 0 : -1;
    }
    constexpr std::string_view bytecode = ".pyc";
    if (!PyUnicode_Check(name) || !read_path(name, path) || !path.ends_with(bytecode)) {
        PyErr_Clear();
        return 0;
    }
    return is_there(path, name) && is_fine(reason_against(path)) ? 0 : -1;
}

} // namespace

bool vet_imports() {
    static const bool done = PyFile_SetOpenCodeHook(guarded<open_code>, nullptr) == 0 &&
                             PySys_AddAuditHook(guarded<watch>, nullptr) == 0;
    return done;
}

const std::string &last_refusal() noexcept { return refusal(); }

PyObject *check_trusted(PyObject *, PyObject *name) {
    std::string path;
    if (!read_path(name, path) ||
        (has_raised_privileges() && !(is_there(path, name) && is_fine(reason_against(path))))) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyObject *check_refusals(PyObject *, PyObject *) {
    if (!is_fine(last_refusal())) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyObject *has_raised_privileges(PyObject *, PyObject *) {
    return PyBool_FromLong(has_raised_privileges());
}

} // namespace epy
