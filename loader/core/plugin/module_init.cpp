// `import plugin` finds plugin.so before plugin.py. What the author means is his script, so that is
// what the module runs: see epy/_running/importing.py.
#include "loader/core/plugin/module_init.h"

#include "loader/core/package.h"
#include "loader/core/py.h"

namespace epy {

namespace {

int execute(PyObject *module) { return package::call(package::import_plugin, {module}) ? 0 : -1; }

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void *>(execute)},
    {0, nullptr},
};

// For every plugin: the module itself says which one it is.
PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "plugin", nullptr, 0, nullptr, slots, nullptr, nullptr, nullptr,
};

} // namespace

void *module_init() noexcept { return PyModuleDef_Init(&definition); }

} // namespace epy
