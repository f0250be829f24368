#include "loader/core/headers/definitions.h"

#include <cstdarg>

#include "loader/core/headers/misfits.h"
#include "loader/core/headers/well_formed.h"
#include "loader/core/package.h"

namespace epy {

namespace {

// None if the header has none.
ref find_definition(header_classes *self, PyObject *name) {
    ref found(PyObject_CallOneArg(self->find, name));
    if (found && found.get() != Py_None && !is_well_formed_definition(found.get())) {
        header_name_error("'%U' is damaged in the plugin: run `epy build` again", name);
        return {};
    }
    return found;
}

// Of a typedef.
ref definition_of_name(header_classes *self, PyObject *name) {
    ref found = find_definition(self, name);
    if (found && found.get() == Py_None) {
        header_name_error("'%U' is missing from the plugin: run `epy build` again", name);
        return {};
    }
    if (found && what_of(found.get()) == kind_of::impossible) {
        header_name_error("%U %U", name, unusable_reason(found.get()));
        return {};
    }
    if (found && what_of(found.get()) != kind_of::alias) {
        header_name_error("'%U' is no type in this header", name);
        return {};
    }
    return found;
}

} // namespace

bool header_name_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    package::raise(package::header_name_error, format, arguments);
    va_end(arguments);
    return false;
}

PyObject *given(ref made) {
    if (!made && PyErr_ExceptionMatches(PyExc_RecursionError) != 0) {
        PyErr_Clear();
        header_name_error("types are nested too deeply, or so are the calls that ask for them");
    }
    return made.release();
}

void name_in_header_error(PyObject *name) {
    const ref reason = taken_exception();
    const ref kind = package::take(package::header_name_error);
    if (!kind || name == nullptr) {
        return;
    }
    if (PyErr_GivenExceptionMatches(reason.get(), kind.get()) != 0) {
        PyErr_Format(kind.get(), "%U: %S", name, reason.get());
    } else {
        PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(reason.get())), reason.get());
    }
}

void circle_error(PyObject *kind) {
    header_name_error("%R leads back to itself in the plugin: run `epy build` again", kind);
}

ref definition_of_tag(header_classes *self, PyObject *name) {
    ref found = find_definition(self, name);
    if (found && found.get() != Py_None && what_of(found.get()) != kind_of::impossible &&
        static_cast<Py_UCS4>(what_of(found.get())) != PyUnicode_READ_CHAR(name, 0)) {
        header_name_error("'%U' is damaged in the plugin: run `epy build` again", name);
        return {};
    }
    return found;
}

ref definition_of_enum(header_classes *self, PyObject *key) {
    const ref name = name_of_tag("enum", key);
    ref found = name ? definition_of_tag(self, name.get()) : ref();
    if (!found || what_of(found.get()) == kind_of::enumeration) {
        return found;
    }
    if (found.get() == Py_None || is_opaque(found.get())) {
        return ref::borrowed(Py_None);
    }
    header_name_error("%U %U", name.get(), unusable_reason(found.get()));
    return {};
}

ref behind_name(header_classes *self, PyObject *kind) {
    if (what_of(kind) == kind_of::aligned) {
        return ref::borrowed(aligned_type(kind));
    }
    const ref definition = definition_of_name(self, alias_name(kind));
    return definition ? ref::borrowed(declared_type(definition.get())) : ref();
}

ref resolved(header_classes *self, PyObject *kind) {
    ref at = ref::borrowed(kind);
    const auto stands_for_another = [](kind_of what) {
        return what == kind_of::alias || what == kind_of::aligned;
    };
    for (int steps = 0; at && stands_for_another(what_of(at.get())); ++steps) {
        if (what_of(at.get()) == kind_of::alias) {
            PyObject *mapped = PyDict_GetItemWithError(self->types, alias_name(at.get()));
            if (mapped != nullptr) {
                break;
            }
            if (PyErr_Occurred() != nullptr) {
                return {};
            }
        }
        if (steps == most_names) {
            header_name_error("types are nested too deeply: more than %d typedefs in a row, or one "
                              "that leads back to itself",
                              most_names);
            return {};
        }
        at = behind_name(self, at.get());
    }
    return at;
}

} // namespace epy
