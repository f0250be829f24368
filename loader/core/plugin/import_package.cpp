#include "loader/core/plugin/import_package.h"

#include "loader/core/plugin/packed_modules.h"

namespace epy {

namespace {

// Two steps of the import system, by hand. The folder around the package's is not looked through,
// which may hold a thousand packages.
ref import_from(const char *place) {
    const ref folder(PyUnicode_DecodeFSDefault(place));
    const ref file(folder ? PyUnicode_FromFormat("%U/__init__.py", folder.get()) : nullptr);
    const ref external(PyImport_ImportModule("_frozen_importlib_external"));
    const ref import_system(PyImport_ImportModule("_frozen_importlib"));
    const ref spec(external && file ? PyObject_CallMethod(external.get(), "spec_from_file_location",
                                                          "sO", "epy", file.get())
                                    : nullptr);
    return ref(spec && import_system
                   ? PyObject_CallMethod(import_system.get(), "_load", "O", spec.get())
                   : nullptr);
}

} // namespace

ref import_package(const core_options &options) {
    return options.package_folder == nullptr ? import_packed_package(options)
                                             : import_from(options.package_folder);
}

ref import_package(const package_origin &origin) {
    return origin.folder.empty() ? import_packed_package(origin.modules)
                                 : import_from(origin.folder.c_str());
}

bool find_origin(package_origin &origin) {
    const ref package(PyImport_ImportModule("epy"));
    const ref spec(package ? PyObject_GetAttrString(package.get(), "__spec__") : nullptr);
    if (!spec) {
        return false;
    }
    if (packed_modules_of(spec.get(), origin.modules)) {
        return true;
    }
    const ref folders(PyObject_GetAttrString(package.get(), "__path__"));
    const ref folder(folders ? PySequence_GetItem(folders.get(), 0) : nullptr);
    const ref bytes(folder ? PyUnicode_EncodeFSDefault(folder.get()) : nullptr);
    if (!bytes) {
        return false;
    }
    origin.folder = PyBytes_AS_STRING(bytes.get());
    return true;
}

} // namespace epy
