#include "classes.h"

#include <structmember.h>

#include <cstddef>

#include "items.h"
#include "record.h"
#include "stored.h"
#include "text.h"
#include "threads.h"

namespace epy {

namespace {

header_classes *as_classes(PyObject *object) { return reinterpret_cast<header_classes *>(object); }

PyObject *as_object(header_classes *self) { return reinterpret_cast<PyObject *>(self); }

// Threads of a host that ask for the same class at once get one. For all headers, because a class
// of one may need another's (types=). What is made under it waits for nothing but modules of epy.
class making {
public:
    explicit making(const header_types &types) noexcept
        : lock_(types.making), held_(PyObject_CallMethod(lock_, "acquire", nullptr)) {}
    ~making() {
        if (held_) {
            const exception_set_aside aside;
            const ref released(PyObject_CallMethod(lock_, "release", nullptr));
        }
    }
    making(const making &) = delete;
    making &operator=(const making &) = delete;

    explicit operator bool() const noexcept { return static_cast<bool>(held_); }

private:
    PyObject *lock_;
    ref held_;
};

ref call(const char *module, const char *function, std::initializer_list<PyObject *> arguments) {
    const ref owner(PyImport_ImportModule(module));
    const ref callable(owner ? PyObject_GetAttrString(owner.get(), function) : nullptr);
    return callable ? ref(PyObject_Vectorcall(callable.get(), arguments.begin(), arguments.size(),
                                              nullptr))
                    : ref();
}

ref simple(const header_types &types, const char *name) {
    return ref(PyMapping_GetItemString(types.simple_types, name));
}

ref attribute(PyObject *type, PyObject *name) {
    ref found(PyObject_GetAttr(type, name));
    if (!found) {
        PyErr_Clear();
    }
    return found;
}

// A class of this header. The body is the caller's own.
ref subclass(const header_types &types, header_classes *self, PyObject *name,
             std::initializer_list<PyObject *> bases, const ref &body) {
    const ref all(PyTuple_New(static_cast<Py_ssize_t>(bases.size())));
    if (!body || !all || PyDict_SetItem(body.get(), types.name.classes, as_object(self)) != 0 ||
        PyDict_SetItem(body.get(), types.name.module, self->module) != 0) {
        return {};
    }
    Py_ssize_t index = 0;
    PyObject *native = nullptr;
    for (PyObject *base : bases) {
        PyTuple_SET_ITEM(all.get(), index++, Py_NewRef(base));
        native = base;
    }
    return ref(PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject *>(Py_TYPE(native)), name,
                                            all.get(), body.get(), nullptr));
}

// A name made of that of another class: "LP_%U".
ref name_like(PyObject *type, const char *format, Py_ssize_t number = 0) {
    const ref name(PyObject_GetAttrString(type, "__name__"));
    return name ? ref(PyUnicode_FromFormat(format, name.get(), number)) : ref();
}

ref make_target(const header_types &types, header_classes *self, PyObject *kind);

// ---- enums

ref members(header_classes *self, PyObject *key) {
    PyObject *known = PyDict_GetItemWithError(self->members, key);
    if (known != nullptr || PyErr_Occurred() != nullptr) {
        return ref::borrowed(known);
    }
    const ref definition = definition_of_tag(self, "enum", key);
    const ref made = definition
                         ? call("epy._enums", "members_of", {key, definition.get(), self->module})
                         : ref();
    return made ? ref::borrowed(PyDict_SetDefault(self->members, key, made.get())) : ref();
}

ref enumeration(const header_types &types, header_classes *self, PyObject *key) {
    const ref definition = definition_of_tag(self, "enum", key);
    if (!definition || definition.get() == Py_None) {
        return definition ? simple(types, "c_uint") : ref();
    }
    const ref integer(PyObject_GetItem(types.simple_types, part_of(definition.get(), 1)));
    const ref all = integer ? members(self, key) : ref();
    return all ? call("epy._enums", "enumerated", {integer.get(), all.get()}) : ref();
}

// ---- functions

// The classes of a function's result and parameters, as a tuple.
ref parts(const header_types &types, header_classes *self, PyObject *kind) {
    PyObject *parameters = part_of(kind, 2);
    const Py_ssize_t count = PyTuple_GET_SIZE(parameters);
    ref all(PyTuple_New(count + 1));
    for (Py_ssize_t index = 0; all && index <= count; ++index) {
        PyObject *part = index == 0 ? part_of(kind, 1) : PyTuple_GET_ITEM(parameters, index - 1);
        ref made = class_of_kind(types, self, part);
        if (!made) {
            const ref label(index == 0 ? PyUnicode_FromString("the result")
                                       : PyUnicode_FromFormat("parameter %zd", index));
            name_in_header_error(label.get());
            return {};
        }
        PyTuple_SET_ITEM(all.get(), index, made.release());
    }
    return all;
}

// What `errors` of the header has for a function with this result; None if nothing. The first on
// the way from the result's typedef to the built-in type counts.
ref error_of(header_classes *self, PyObject *result) {
    ref kind = ref::borrowed(result);
    for (;;) {
        PyObject *found = nullptr;
        const char what = what_of(kind.get());
        if (what == 't') {
            found = PyDict_GetItemWithError(self->errors, part_of(kind.get(), 1));
        } else if (what == 'e') {
            const ref key(PyUnicode_FromFormat("enum %U", part_of(kind.get(), 1)));
            found = key ? PyDict_GetItemWithError(self->errors, key.get()) : nullptr;
        } else if (what == '\0') {
            const ref key(PyTuple_Pack(1, kind.get()));
            found = key ? PyDict_GetItemWithError(self->errors, key.get()) : nullptr;
        }
        if (found != nullptr || PyErr_Occurred() != nullptr) {
            return ref::borrowed(found);
        }
        if (what != 't' && what != 'a') {
            return ref::borrowed(Py_None);
        }
        kind = behind_name(self, kind.get());
        if (!kind) {
            return {};
        }
    }
}

// In a prototype a `char *` takes str too.
bool take_text(const header_types &types, const ref &all) {
    for (Py_ssize_t index = 1; index < PyTuple_GET_SIZE(all.get()); ++index) {
        PyObject *ctype = PyTuple_GET_ITEM(all.get(), index);
        if (ctype == types.character_pointer) {
            PyObject *text = text_class(types);
            if (text == nullptr) {
                return false;
            }
            PyTuple_SET_ITEM(all.get(), index, Py_NewRef(text));
            Py_DECREF(ctype);
        }
    }
    return true;
}

// The class of pointers to a function. `refined`: the classes of its result and parameters, if
// others than the header's.
ref function(const header_types &types, header_classes *self, PyObject *kind, PyObject *refined) {
    ref all = refined == nullptr ? parts(types, self, kind) : ref::borrowed(refined);
    if (!all || (refined == nullptr && !take_text(types, all))) {
        return {};
    }
    const ref error = error_of(self, part_of(kind, 1));
    const ref name(PyUnicode_FromString("Function"));
    const ref parameters(PyTuple_GetSlice(all.get(), 1, PyTuple_GET_SIZE(all.get())));
    const ref body(error && parameters
                       ? Py_BuildValue("{s:i,s:O,s:O,s:O,s:O}", "_flags_", flags_of_c, "_restype_",
                                       PyTuple_GET_ITEM(all.get(), 0), "_argtypes_",
                                       parameters.get(), "_epy_kind_", kind, "_epy_error_",
                                       error.get())
                       : nullptr);
    const bool is_variadic = PyObject_IsTrue(part_of(kind, 3)) != 0;
    const ref special(is_variadic ? PyImport_ImportModule("epy._special_fields") : nullptr);
    const ref variadic(special ? PyObject_GetAttrString(special.get(), "VariadicFunction")
                               : nullptr);
    if (!name || (is_variadic && !variadic)) {
        return {};
    }
    return subclass(types, self, name.get(), {is_variadic ? variadic.get() : types.function}, body);
}

// ---- pointers and arrays

// Items of these are members of the enum: `epy._enums` has the method that reads them.
bool read_members(const header_types &types, PyObject *item, const ref &body, const char *method) {
    if (!attribute(item, types.name.members)) {
        return true;
    }
    const ref enums(PyImport_ImportModule("epy._enums"));
    const ref get(enums ? PyObject_GetAttrString(enums.get(), method) : nullptr);
    return get && PyDict_SetItemString(body.get(), "__getitem__", get.get()) == 0;
}

// ctypes.POINTER and ctypes.pointer are to give this class too.
bool be_the_pointer(PyObject *target, PyObject *made) {
    const ref ctypes(PyImport_ImportModule("ctypes"));
    const ref cache(ctypes ? PyObject_GetAttrString(ctypes.get(), "_pointer_type_cache") : nullptr);
    return cache && PyObject_SetItem(cache.get(), target, made) == 0;
}

ref pointer_to_class(const header_types &types, header_classes *self, PyObject *target) {
    if (PyType_Check(target) == 0) {
        return ref::borrowed(types.core->void_pointer);
    }
    if (attribute(target, types.name.object_class)) { // a handle: its pointers are ready
        return call("ctypes", "POINTER", {target});
    }
    auto *native = reinterpret_cast<PyObject *>(types.core->pointer);
    const bool has_fields = is_class_of(target, types.fields);
    const ref name = name_like(target, "LP_%U");
    const ref body(Py_BuildValue("{s:O}", "_type_", target));
    if (!name || !body || !read_members(types, target, body, "pointer_item")) {
        return {};
    }
    ref made = subclass(types, self, name.get(),
                        {has_fields ? types.struct_pointer : types.pointer, native}, body);
    return made && (!has_fields || be_the_pointer(target, made.get())) ? std::move(made) : ref();
}

ref pointer(const header_types &types, header_classes *self, PyObject *target) {
    const ref actual = resolved(self, target);
    if (!actual) {
        return {};
    }
    if (actual.get() == Py_None) {
        return ref::borrowed(types.core->void_pointer);
    }
    if (PyUnicode_Check(actual.get())) {
        if (PyUnicode_CompareWithASCIIString(actual.get(), "c_char") == 0) {
            return ref::borrowed(types.character_pointer);
        }
        if (PyUnicode_CompareWithASCIIString(actual.get(), "c_wchar") == 0) {
            return simple(types, "c_wchar_p");
        }
    }
    const char what = what_of(actual.get());
    if (what == '(') {
        return make_target(types, self, actual.get());
    }
    if (what == '?') {
        return ref::borrowed(types.core->void_pointer);
    }
    const ref type = make_target(types, self, target);
    return type ? pointer_to_class(types, self, type.get()) : ref();
}

bool is_character(const header_types &types, PyObject *type) {
    const char code = code_of(types, type);
    return (code == 'c' || code == 'u') &&
           reinterpret_cast<PyObject *>(reinterpret_cast<PyTypeObject *>(type)->tp_base) ==
               types.core->simple;
}

ref array(const header_types &types, header_classes *self, PyObject *kind) {
    const ref element = class_of_kind(types, self, part_of(kind, 1));
    if (!element) {
        return {};
    }
    if (is_character(types, element.get())) { // ctypes has arrays of them as texts
        return ref(PyNumber_Multiply(element.get(), part_of(kind, 2)));
    }
    const ref name = name_like(element.get(), "%U_Array_%zd", PyLong_AsSsize_t(part_of(kind, 2)));
    const ref body(
        Py_BuildValue("{s:O,s:O}", "_type_", element.get(), "_length_", part_of(kind, 2)));
    return name && body && read_members(types, element.get(), body, "array_item")
               ? subclass(types, self, name.get(), {types.items, types.core->array}, body)
               : ref();
}

// ---- structs and unions

ref record(const header_types &types, header_classes *self, PyObject *kind, bool is_struct) {
    PyObject *key = part_of(kind, 1);
    const ref definition = definition_of_tag(self, is_struct ? "struct" : "union", key);
    if (!definition) {
        return {};
    }
    const bool is_declared = definition.get() != Py_None;
    const bool is_known = is_declared && what_of(definition.get()) != '?';
    PyObject *native = PyTuple_GET_ITEM(types.core->aggregates, is_struct ? 0 : 1);
    ref made = subclass(types, self, is_known ? part_of(definition.get(), 1) : key,
                        {types.fields, native}, ref(PyDict_New()));
    return made && (!is_declared ||
                    PyDict_SetItem(self->incomplete, made.get(), definition.get()) == 0)
               ? std::move(made)
               : ref();
}

// ---- all of them

// What stands in memory for a type of the script's: for an epy.Object class its handle.
ref in_memory(const header_types &types, PyObject *mapped) {
    ref handle = attribute(mapped, types.name.handle_type);
    return handle ? std::move(handle) : ref::borrowed(mapped);
}

ref make_new(const header_types &types, header_classes *self, PyObject *kind) {
    switch (what_of(kind)) {
    case '\0':
        return ref(PyObject_GetItem(types.simple_types, kind));
    case 't': {
        PyObject *mapped = PyDict_GetItemWithError(self->types, part_of(kind, 1));
        if (mapped != nullptr || PyErr_Occurred() != nullptr) {
            return mapped == nullptr ? ref() : in_memory(types, mapped);
        }
        const ref meant = behind_name(self, kind);
        return meant ? make_target(types, self, meant.get()) : ref();
    }
    case 'a':
        return make_target(types, self, part_of(kind, 1));
    case '*':
        return pointer(types, self, part_of(kind, 1));
    case '[':
        return array(types, self, kind);
    case '(':
        return function(types, self, kind, nullptr);
    case 's':
    case 'u':
        return record(types, self, kind, what_of(kind) == 's');
    case 'e':
        return enumeration(types, self, part_of(kind, 1));
    default:
        header_name_error("%U: use void * or declare it as an array of bytes", part_of(kind, 1));
        return {};
    }
}

// The class of a type that a pointer leads to: a struct may not have its fields yet.
ref make_target(const header_types &types, header_classes *self, PyObject *kind) {
    PyObject *known = PyDict_GetItemWithError(self->made, kind);
    if (known != nullptr || PyErr_Occurred() != nullptr) {
        return ref::borrowed(known);
    }
    const making lock(types);
    if (!lock) {
        return {};
    }
    known = PyDict_GetItemWithError(self->made, kind);
    if (known != nullptr || PyErr_Occurred() != nullptr) {
        return ref::borrowed(known);
    }
    ref made = make_new(types, self, kind);
    return made && PyDict_SetItem(self->made, kind, made.get()) == 0 ? std::move(made) : ref();
}

// Borrowed; null, without an exception, for a class that is complete or no struct of this header.
PyObject *missing_definition(header_classes *self, PyObject *type) {
    return PyType_Check(type) == 0 ? nullptr : PyDict_GetItem(self->incomplete, type);
}

bool complete(const header_types &types, header_classes *self, PyObject *type) {
    if (missing_definition(self, type) == nullptr) {
        return true;
    }
    const making lock(types);
    if (!lock) {
        return false;
    }
    const ref definition = ref::borrowed(missing_definition(self, type));
    if (!definition || PySet_Contains(self->completing, type) == 1) { // by this thread
        return true;
    }
    if (what_of(definition.get()) == '?') {
        const ref name = name_like(type, "%U");
        return name && header_name_error("%U %U", name.get(), part_of(definition.get(), 1));
    }
    if (PySet_Add(self->completing, type) != 0) {
        return false;
    }
    const bool done = give_fields(types, self, type, definition.get());
    PySet_Discard(self->completing, type);
    return done && PyDict_DelItem(self->incomplete, type) == 0;
}

// What a script gets by name: a struct that is only declared serves for pointers.
ref class_of_name(const header_types &types, header_classes *self, PyObject *kind) {
    if (what_of(kind) == 't') {
        PyObject *mapped = PyDict_GetItemWithError(self->types, part_of(kind, 1));
        if (mapped != nullptr || PyErr_Occurred() != nullptr) {
            return ref::borrowed(mapped);
        }
    }
    ref found = make_target(types, self, kind);
    PyObject *definition = found ? missing_definition(self, found.get()) : nullptr;
    if (definition != nullptr && !is_opaque(definition) && !complete(types, self, found.get())) {
        return {};
    }
    return found;
}

} // namespace

ref class_of_kind(const header_types &types, header_classes *self, PyObject *kind) {
    if (kind == Py_None) {
        return ref::borrowed(kind);
    }
    ref found = make_target(types, self, kind);
    return found && complete(types, self, found.get()) ? std::move(found) : ref();
}

bool complete(const header_types &types, PyObject *type) {
    if (PyDict_Contains(reinterpret_cast<PyTypeObject *>(type)->tp_dict, types.name.types) == 1) {
        return true;
    }
    header_classes *classes = classes_of(types, type);
    return classes != nullptr && complete(types, classes, type);
}

header_classes *classes_of(const header_types &types, PyObject *type) {
    const ref found(PyObject_GetAttr(type, types.name.classes));
    if (found && !Py_IS_TYPE(found.get(), reinterpret_cast<PyTypeObject *>(types.classes))) {
        PyErr_Format(PyExc_TypeError, "%R is no class of a header", type);
        return nullptr;
    }
    return as_classes(found.get());
}

ref make_callback(header_classes *self, PyObject *kind, PyObject *function) {
    return call("epy._header", "field_callback", {as_object(self), kind, function});
}

namespace {

// ---- the Python object

PyObject *new_classes(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static const char *names[] = {"find", "types", "errors", "kept", "module", nullptr};
    PyObject *find = nullptr;
    PyObject *types = nullptr;
    PyObject *errors = nullptr;
    PyObject *kept = nullptr;
    PyObject *module = nullptr;
    if (PyArg_ParseTupleAndKeywords(arguments, named, "OO!O!O!U:Classes",
                                    const_cast<char **>(names), &find, &PyDict_Type, &types,
                                    &PyDict_Type, &errors, &PyDict_Type, &kept, &module) == 0) {
        return nullptr;
    }
    ref object(type->tp_alloc(type, 0));
    if (!object) {
        return nullptr;
    }
    header_classes *self = as_classes(object.get());
    self->find = Py_NewRef(find);
    self->types = Py_NewRef(types);
    self->errors = Py_NewRef(errors);
    self->kept = Py_NewRef(kept);
    self->module = Py_NewRef(module);
    for (PyObject **dict : {&self->made, &self->members, &self->signatures, &self->incomplete}) {
        *dict = PyDict_New();
        if (*dict == nullptr) {
            return nullptr;
        }
    }
    self->completing = PySet_New(nullptr);
    return self->completing == nullptr ? nullptr : object.release();
}

PyObject *make_method(PyObject *object, PyObject *kind) {
    return class_of_kind(headers_of(Py_TYPE(object)), as_classes(object), kind).release();
}

PyObject *named_method(PyObject *object, PyObject *kind) {
    return class_of_name(headers_of(Py_TYPE(object)), as_classes(object), kind).release();
}

PyObject *resolved_method(PyObject *object, PyObject *kind) {
    return resolved(as_classes(object), kind).release();
}

PyObject *members_method(PyObject *object, PyObject *key) {
    return members(as_classes(object), key).release();
}

PyObject *parts_method(PyObject *object, PyObject *kind) {
    return parts(headers_of(Py_TYPE(object)), as_classes(object), kind).release();
}

PyObject *error_method(PyObject *object, PyObject *kind) {
    return error_of(as_classes(object), kind).release();
}

PyObject *function_method(PyObject *object, PyObject *arguments) {
    PyObject *kind = nullptr;
    PyObject *refined = nullptr;
    if (PyArg_ParseTuple(arguments, "O!O!:function", &PyTuple_Type, &kind, &PyTuple_Type,
                         &refined) == 0) {
        return nullptr;
    }
    return function(headers_of(Py_TYPE(object)), as_classes(object), kind, refined).release();
}

// Before CPython 3.13 ctypes hides the cycles of classes from the collector.
PyObject *clear_method(PyObject *object, PyObject *) {
    const header_classes *self = as_classes(object);
    for (PyObject *dict :
         {self->made, self->members, self->signatures, self->incomplete, self->kept}) {
        PyDict_Clear(dict);
    }
    Py_RETURN_NONE;
}

PyObject **parts_of_object(PyObject *object) { return &as_classes(object)->find; }

constexpr std::size_t part_count =
    (sizeof(header_classes) - offsetof(header_classes, find)) / sizeof(PyObject *);

int traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(object));
    for (std::size_t index = 0; index < part_count; ++index) {
        Py_VISIT(parts_of_object(object)[index]);
    }
    return 0;
}

int clear(PyObject *object) {
    for (std::size_t index = 0; index < part_count; ++index) {
        Py_CLEAR(parts_of_object(object)[index]);
    }
    return 0;
}

void deallocate(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"make", make_method, METH_O, "make(type) -> its class, complete; None for void."},
    {"named", named_method, METH_O,
     "named(type) -> what a script gets by its name: perhaps a struct without fields."},
    {"resolved", resolved_method, METH_O,
     "resolved(type) -> the type behind its typedefs, as far as they are not mapped."},
    {"members", members_method, METH_O, "members(key) -> the Members of an enum."},
    {"parts", parts_method, METH_O,
     "parts(function type) -> the classes of the result and the parameters."},
    {"error", error_method, METH_O, "error(type of a result) -> the error value, or None."},
    {"function", function_method, METH_VARARGS,
     "function(type, classes) -> the class of pointers to a function whose result and parameters "
     "have other classes than the header's."},
    {"clear", clear_method, METH_NOARGS, "clear(): forget all classes, and what is kept."},
    {},
};

PyMemberDef attributes[] = {
    {"find", T_OBJECT, offsetof(header_classes, find), READONLY, "name -> definition or None"},
    {"signatures", T_OBJECT, offsetof(header_classes, signatures), READONLY, "of callbacks"},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("The ctypes classes of one header.")},
    {Py_tp_new, reinterpret_cast<void *>(new_classes)},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
    {Py_tp_clear, reinterpret_cast<void *>(clear)},
    {Py_tp_methods, methods},
    {Py_tp_members, attributes},
    {0, nullptr},
};

} // namespace

PyType_Spec classes_spec = {"epy._core.Classes", sizeof(header_classes), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
                            slots};

} // namespace epy
