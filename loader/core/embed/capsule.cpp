#include "loader/core/embed/capsule.h"

#include "loader/core/package.h"
#include "loader/core/state.h"
#include "loader/core/thread/threads.h"
#include "loader/core/thread/unwinding.h"
#include "loader/core/values/handles.h"

#define EPY_CORE_MODULE
#include "loader/include/epy_core.h"

namespace epy {

namespace {

// Other extensions' C code calls these: no C++ exception gets out.

PyObject *new_callback(PyObject *callable, const char *prototype, PyObject *error) {
    return run_python([=]() -> PyObject * {
        const ref text(PyUnicode_FromString(prototype));
        return text ? package::call(package::new_callback_here,
                                    {callable, text.get(), error == nullptr ? Py_None : error})
                          .release()
                    : nullptr;
    });
}

void *address_of_callback(PyObject *callback) {
    const ref number(PyObject_GetAttrString(callback, "address"));
    return number ? PyLong_AsVoidPtr(number.get()) : nullptr;
}

// Python may end epy's module before the extension's, and an object of that asks once more as it
// dies.
bool has_ended() {
    if (state_of_plugins == nullptr) {
        PyErr_SetString(PyExc_RuntimeError, "epy has ended with its Python: it has no handles now");
    }
    return state_of_plugins == nullptr;
}

void *new_handle(PyObject *object) {
    return run_python([=]() -> void * {
        std::uint64_t address = 0;
        if (!has_ended()) {
            handle_of_object(*state_of_plugins, &PyBaseObject_Type, object, nullptr, address);
        }
        return reinterpret_cast<void *>(address);
    });
}

PyObject *object_of(void *handle, PyTypeObject *type) {
    return run_python([=]() -> PyObject * {
        return has_ended() ? nullptr
                           : object_of_handle(*state_of_plugins,
                                              type == nullptr ? &PyBaseObject_Type : type,
                                              reinterpret_cast<std::uintptr_t>(handle), false);
    });
}

int release_handle(void *handle) {
    handle_table *table = handles_of_plugins;
    handle_cell *cell =
        table == nullptr ? nullptr : table->at(reinterpret_cast<std::uintptr_t>(handle));
    if (cell == nullptr) {
        return -1;
    }
    table->release(*cell);
    if (attachment::holds_gil()) { // else the next who has it does
        run_python([=] {
            table->collect();
            return true;
        });
    }
    return 0;
}

const epy_core_api the_public_api = {
    EPY_CORE_VERSION, sizeof(epy_core_api), new_callback, address_of_callback, new_handle,
    object_of,        release_handle,
};

} // namespace

PyObject *public_capsule(PyObject *module, PyObject *) {
    if (state_of_plugins != &state_of(module)) {
        PyErr_SetString(PyExc_ImportError,
                        "epy._C_API is for extension modules of the main interpreter");
        return nullptr;
    }
    return PyCapsule_New(const_cast<epy_core_api *>(&the_public_api), EPY_CORE_CAPSULE, nullptr);
}

} // namespace epy
