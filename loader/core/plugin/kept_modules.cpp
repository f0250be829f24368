#include "loader/core/plugin/kept_modules.h"

#include <marshal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "loader/core/guarded.h"
#include "loader/kernel.h"
#include "loader/patience.h"
#include "stub/trust.h"

namespace epy {

namespace {

// What nearly every start uses, or something that goes wrong.
constexpr const char *names[] = {"_instances", "_signature", "_types",  "_archive",
                                 "_errors",    "_exit",      "_export", "_ctypes_import",
                                 "_modules",   "_names",     "_native", "_plugin",
                                 "_printable", "_report",    "_script", "_start"};

const char *package_folder = nullptr; // of the Python that epy starts

// A compiled file: magic number, flags, time and size of the source (PEP 552), then the code.
struct compiled_header {
    std::uint32_t magic;
    std::uint32_t flags;
    std::uint32_t time;
    std::uint32_t size;
};

struct closing {
    void operator()(std::FILE *file) const noexcept { std::fclose(file); }
};

// The bytes of a compiled file that belongs to the source; empty without an exception if there is
// none.
ref read_compiled(const std::string &source, const std::string &file) {
    struct stat of_source {};
    struct stat of_file {};
    const std::unique_ptr<std::FILE, closing> open(std::fopen(file.c_str(), "rbe"));
    compiled_header header{};
    if (!open || fstat(fileno(open.get()), &of_file) != 0 ||
        stat(source.c_str(), &of_source) != 0 ||
        std::fread(&header, sizeof header, 1, open.get()) != 1) {
        return {};
    }
    if (header.magic != static_cast<std::uint32_t>(PyImport_GetMagicNumber()) ||
        header.flags != 0 || header.time != static_cast<std::uint32_t>(of_source.st_mtime) ||
        header.size != static_cast<std::uint32_t>(of_source.st_size)) {
        return {};
    }
    const auto size = of_file.st_size - static_cast<off_t>(sizeof header);
    ref bytes(size > 0 ? PyBytes_FromStringAndSize(nullptr, size) : nullptr);
    const bool is_whole = bytes && std::fread(PyBytes_AS_STRING(bytes.get()),
                                              static_cast<std::size_t>(size), 1, open.get()) == 1;
    return is_whole ? std::move(bytes) : ref();
}

// The module's own `__getattr__`, until it has run.
PyObject *run_and_get(PyObject *self, PyObject *name);

PyMethodDef get_attribute = {"__getattr__", guarded<run_and_get>, METH_O, nullptr};

// Of one that has not run: its name, its source's path, the bytes, the thread that runs it or 0,
// that thread's process, the module.
enum part : std::uint8_t { of_name, of_source, of_bytes, of_thread, of_process, the_module };

PyObject *part_of(PyObject *kept, part which) { return PyList_GET_ITEM(kept, which); }

unsigned long thread_of(PyObject *kept) { return PyLong_AsUnsignedLong(part_of(kept, of_thread)); }

// Runs the code in the module that is there.
bool run(PyObject *kept) {
    PyObject *bytes = part_of(kept, of_bytes);
    const ref code(
        PyMarshal_ReadObjectFromString(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes)));
    const ref imports(code ? PyImport_ImportModule("_imp") : nullptr);
    // The package may have been moved since it was compiled.
    const ref named(imports ? PyObject_CallMethod(imports.get(), "_fix_co_filename", "OO",
                                                  code.get(), part_of(kept, of_source))
                            : nullptr);
    // There was no memory to run it, and so it was taken out.
    const bool is_there = named && PyDict_SetItem(PyImport_GetModuleDict(), part_of(kept, of_name),
                                                  part_of(kept, the_module)) == 0;
    return is_there && ref(PyImport_ExecCodeModuleObject(part_of(kept, of_name), code.get(),
                                                         part_of(kept, of_source), nullptr));
}

// In a forked child the other threads of its parent are not there.
bool runs_elsewhere(PyObject *kept) {
    return thread_of(kept) != 0 && PyLong_AsLong(part_of(kept, of_process)) == kernel::process();
}

// Until another thread has run it. None waits for this one: modules use each other one way.
void wait_for_other(PyObject *kept) {
    const patience waiting("epy's modules",
                           "has been waiting for 5 s for another thread, which runs it and does "
                           "not get Python's interpreter lock");
    while (runs_elsewhere(kept)) {
        Py_BEGIN_ALLOW_THREADS;
        usleep(1000);
        Py_END_ALLOW_THREADS;
    }
}

bool is_special(PyObject *name) {
    return PyUnicode_Check(name) == 0 ||
           (PyUnicode_GET_LENGTH(name) > 2 && PyUnicode_READ_CHAR(name, 0) == '_' &&
            PyUnicode_READ_CHAR(name, 1) == '_');
}

PyObject *run_and_get(PyObject *self, PyObject *name) {
    const ref kept(Py_NewRef(self)); // to have run it drops it from the module
    PyObject *const attributes = PyModule_GetDict(part_of(self, the_module));
    const unsigned long mine = PyThread_get_thread_ident();
    if (is_special(name) || thread_of(self) == mine) {
        // somebody looks at all modules, or at this one while it is being run
    } else if (runs_elsewhere(self)) {
        wait_for_other(self);
    } else if (PyDict_GetItemString(attributes, get_attribute.ml_name) != nullptr) {
        PyList_SetItem(self, of_thread, PyLong_FromUnsignedLong(mine));
        PyList_SetItem(self, of_process, PyLong_FromLong(kernel::process()));
        const bool done = run(self) && PyDict_DelItemString(attributes, get_attribute.ml_name) == 0;
        PyList_SetItem(self, of_thread, PyLong_FromLong(0));
        if (!done) {
            return nullptr;
        }
    }
    PyObject *const found = PyDict_GetItemWithError(attributes, name);
    if (found == nullptr && PyErr_Occurred() == nullptr) {
        PyErr_Format(PyExc_AttributeError, "module %R has no attribute %R", part_of(self, of_name),
                     name);
    }
    return Py_XNewRef(found);
}

// False with a Python exception, also if the file is not as it should be: it is imported as usual.
bool keep(PyObject *package, const std::string &name, const std::string &tag) {
    const std::string folder = package_folder;
    const std::string source = folder + '/' + name + ".py";
    ref bytes = read_compiled(source, folder + "/__pycache__/" + name + '.' + tag + ".pyc");
    if (!bytes) {
        return PyErr_Occurred() == nullptr;
    }
    const std::string whole = "epy." + name;
    const ref module(PyModule_New(whole.c_str()));
    const ref kept(module ? Py_BuildValue("[sNOiiO]", whole.c_str(),
                                          PyUnicode_DecodeFSDefault(source.c_str()), bytes.get(), 0,
                                          0, module.get())
                          : nullptr);
    const ref function(kept ? PyCFunction_New(&get_attribute, kept.get()) : nullptr);
    return function &&
           PyDict_SetItemString(PyModule_GetDict(module.get()), get_attribute.ml_name,
                                function.get()) == 0 &&
           PyObject_SetAttrString(module.get(), "__package__",
                                  ref(PyUnicode_FromString("epy")).get()) == 0 &&
           PyDict_SetItemString(PyImport_GetModuleDict(), whole.c_str(), module.get()) == 0 &&
           PyObject_SetAttrString(package, name.c_str(), module.get()) == 0;
}

} // namespace

void keep_modules_of(const char *folder) noexcept {
    package_folder = has_raised_privileges() ? nullptr : folder; // there each file is looked at
}

bool keep_modules() {
    PyObject *package = PyDict_GetItemString(PyImport_GetModuleDict(), "epy");
    if (package_folder != nullptr && package != nullptr) {
        PyObject *implementation = PySys_GetObject("implementation");
        const ref tag(implementation != nullptr
                          ? PyObject_GetAttrString(implementation, "cache_tag")
                          : nullptr);
        const char *text =
            tag && PyUnicode_Check(tag.get()) ? PyUnicode_AsUTF8(tag.get()) : nullptr;
        for (const char *name : names) {
            if (text != nullptr && !keep(package, name, text)) {
                return false;
            }
        }
        package_folder = nullptr; // another Python's package is its own
        PyErr_Clear();
    }
    return true;
}

} // namespace epy
