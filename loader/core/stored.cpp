#include "stored.h"

#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <limits>

#include "items.h"
#include "types.h"

namespace epy {

namespace {

bool is_a(PyObject *value, PyObject *type) {
    return PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject *>(type)) != 0;
}

bool is_a(PyObject *value, PyTypeObject *type) { return PyObject_TypeCheck(value, type) != 0; }

bool is_pointer(const header_types &types, PyObject *value) {
    return is_a(value, types.core->pointer);
}

bool is_array(const header_types &types, PyObject *value) { return is_a(value, types.core->array); }

bool is_function(const header_types &types, PyObject *value) {
    return is_a(value, types.core->function_pointer);
}

PyObject *type_of_object(PyObject *value) { return reinterpret_cast<PyObject *>(Py_TYPE(value)); }

// Raises Misfit.
ref misfit(const header_types &types, const char *format = "", ...) {
    va_list arguments;
    va_start(arguments, format);
    PyErr_FormatV(types.misfit, format, arguments);
    va_end(arguments);
    return {};
}

// Of a value that something in Python refused with such an exception.
ref misfit_if(const header_types &types, std::initializer_list<PyObject *> refusals) {
    for (PyObject *refusal : refusals) {
        if (PyErr_ExceptionMatches(refusal) != 0) {
            PyErr_Clear();
            return misfit(types);
        }
    }
    return {};
}

// False with a Python exception; without the attribute `out` stays empty.
bool find_attribute(PyObject *object, PyObject *name, ref &out) {
    out = ref(PyObject_GetAttr(object, name));
    if (!out && PyErr_ExceptionMatches(PyExc_AttributeError) != 0) {
        PyErr_Clear();
    }
    return PyErr_Occurred() == nullptr;
}

bool is_code_of_bytes(char code) { return code == 'c' || code == 'b' || code == 'B'; }

bool keep(PyObject *kept, PyObject *object) {
    const ref key(PyLong_FromVoidPtr(object));
    return key && PyDict_SetItem(kept, key.get(), object) == 0;
}

ref cast(const header_types &types, PyObject *value, PyObject *ctype) {
    return ref(PyObject_CallFunctionObjArgs(types.core->cast, value, ctype, nullptr));
}

ref address_of_instance(const header_types &types, PyObject *value, PyObject *ctype) {
    const ref pointer(PyObject_CallOneArg(types.pointer_to, value));
    return pointer ? cast(types, pointer.get(), ctype) : ref();
}

ref array_of(PyObject *element, Py_ssize_t length) {
    const ref count(PyLong_FromSsize_t(length));
    return count ? ref(PyNumber_Multiply(element, count.get())) : ref();
}

// What ctypes.byref() wraps, or the value itself.
ref without_byref(const header_types &types, PyObject *value) {
    return is_a(value, types.by_reference) ? ref(PyObject_GetAttr(value, types.name.object))
                                           : ref::borrowed(value);
}

// The bytes of a str or bytes.
ref bytes_of_text(PyObject *value) {
    return PyUnicode_Check(value) ? ref(PyUnicode_AsUTF8String(value)) : ref::borrowed(value);
}

bool is_text(PyObject *value) { return PyUnicode_Check(value) || PyBytes_Check(value); }

bool is_sequence(PyObject *value) { return PyList_Check(value) || PyTuple_Check(value); }

// ---- numbers and addresses

bool is_in_range(PyObject *number, char code) {
    const std::size_t bits = 8 * shape_of(*type_of(code)).size;
    const bool is_signed = code >= 'a';
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow != 0) {
        if (overflow < 0 || is_signed || bits < 64) {
            return false;
        }
        PyLong_AsUnsignedLongLong(number);
        const bool fits = PyErr_Occurred() == nullptr;
        PyErr_Clear();
        return fits;
    }
    if (bits == 64) {
        return is_signed || value >= 0;
    }
    const long long limit = 1LL << (is_signed ? bits - 1 : bits);
    return value < limit && value >= (is_signed ? -limit : 0);
}

ref integer(const header_types &types, char code, PyObject *value) {
    ref number = PyLong_Check(value) ? ref::borrowed(value) : ref(PyNumber_Index(value));
    if (!number) {
        return misfit_if(types, {PyExc_TypeError});
    }
    return is_in_range(number.get(), code) ? std::move(number) : misfit(types);
}

ref real_number(const header_types &types, PyObject *value) {
    if (is_text(value)) { // Python reads numbers from text
        return misfit(types);
    }
    ref number(PyNumber_Float(value));
    return number ? std::move(number)
                  : misfit_if(types, {PyExc_TypeError, PyExc_ValueError, PyExc_OverflowError});
}

bool leads_to_characters(const header_types &types, PyObject *value) {
    if (is_pointer(types, value) || is_array(types, value)) {
        const ref target(PyObject_GetAttr(type_of_object(value), types.core->type_name));
        PyErr_Clear();
        return target && is_code_of_bytes(code_of(types, target.get()));
    }
    return !is_function(types, value);
}

bool is_address(PyObject *number) {
    int overflow = 0;
    PyLong_AsLongLongAndOverflow(number, &overflow);
    return overflow == 0 || is_in_range(number, 'Q');
}

// For `char *` and `void *`.
ref address(const header_types &types, PyObject *ctype, char code, PyObject *value,
            PyObject *kept) {
    if (is_text(value)) {
        ref data = bytes_of_text(value);
        if (data && kept != nullptr) {
            data = ref::borrowed(PyDict_SetDefault(kept, data.get(), data.get()));
        }
        return data && code == 'P' ? cast(types, data.get(), ctype) : std::move(data);
    }
    if (value == Py_None || (PyLong_Check(value) && is_address(value))) {
        return ref::borrowed(value);
    }
    if (is_pointer(types, value) || is_array(types, value) || is_function(types, value) ||
        is_a(value, types.core->void_pointer) || is_a(value, types.character_pointer)) {
        return code == 'z' && !leads_to_characters(types, value) ? misfit(types)
                                                                 : cast(types, value, ctype);
    }
    if (code == 'z') {
        return misfit(types);
    }
    const ref object = without_byref(types, value);
    if (!object || is_a(object.get(), types.core->c_data)) {
        return object ? address_of_instance(types, object.get(), ctype) : ref();
    }
    ref given;
    if (!find_attribute(value, types.name.address, given)) {
        return {};
    }
    if (given && PyLong_Check(given.get())) {
        return kept == nullptr || keep(kept, value) ? std::move(given) : ref();
    }
    return PyCallable_Check(value) != 0
               ? misfit(types, "a callable has no prototype here: pass an epy.callback")
               : misfit(types);
}

ref simple(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept) {
    const char code = code_of(types, ctype);
    switch (code) {
    case 'b':
    case 'B':
    case 'h':
    case 'H':
    case 'i':
    case 'I':
    case 'l':
    case 'L':
    case 'q':
    case 'Q':
        return integer(types, code, value);
    case 'f':
    case 'd':
    case 'g':
        return real_number(types, value);
    case 'z':
    case 'P':
        return address(types, ctype, code, value, kept);
    case 'c':
        if (PyUnicode_Check(value)) {
            ref data = bytes_of_text(value);
            if (!data || PyBytes_GET_SIZE(data.get()) == 1) {
                return data;
            }
        }
        break;
    case '?':
        if (!PyLong_Check(value)) {
            return misfit(types);
        }
        break;
    default:
        break;
    }
    const ref made(PyObject_CallOneArg(ctype, value));
    return made ? ref::borrowed(value)
                : misfit_if(types, {PyExc_TypeError, PyExc_ValueError, PyExc_OverflowError});
}

// ---- arrays

// False with a Python exception. What does not fit says which element.
bool store_element(const header_types &types, PyObject *array, PyObject *element, Py_ssize_t index,
                   PyObject *value, PyObject *kept) {
    const ref converted = stored(types, element, value, kept);
    if (converted) {
        return reinterpret_cast<PyTypeObject *>(types.core->array)
                   ->tp_as_sequence->sq_ass_item(array, index, converted.get()) == 0;
    }
    if (PyErr_ExceptionMatches(types.misfit) != 0) {
        const ref reason = taken_exception();
        const ref text(PyObject_Str(reason.get()));
        if (text) {
            PyErr_Format(types.misfit,
                         PyUnicode_GET_LENGTH(text.get()) == 0 ? "element %zd is %R"
                                                               : "element %zd is %R; %U",
                         index, value, text.get());
        }
    }
    return false;
}

// An array of this class with these values.
ref elements(const header_types &types, PyObject *ctype, PyObject *values, PyObject *kept) {
    const ref element(PyObject_GetAttr(ctype, types.core->type_name));
    const ref items(element ? PySequence_Fast(values, "") : nullptr);
    ref made(items ? PyObject_CallNoArgs(ctype) : nullptr);
    for (Py_ssize_t index = 0; made && index < PySequence_Fast_GET_SIZE(items.get()); ++index) {
        const ref value = ref::borrowed(PySequence_Fast_GET_ITEM(items.get(), index));
        if (!store_element(types, made.get(), element.get(), index, value.get(), kept)) {
            return {};
        }
    }
    return made;
}

ref array_of_bytes(const header_types &types, PyObject *ctype, char code, Py_ssize_t length,
                   PyObject *value) {
    const ref data = bytes_of_text(value);
    if (!data) {
        return {};
    }
    if (PyBytes_GET_SIZE(data.get()) > length) {
        return misfit(types, "it has %zd bytes", PyBytes_GET_SIZE(data.get()));
    }
    ref filled(PyObject_CallMethod(data.get(), "ljust", "ny#", length, "\0", Py_ssize_t{1}));
    if (!filled || code == 'c') { // as ctypes has it
        return filled;
    }
    return ref(PyObject_CallMethod(ctype, "from_buffer_copy", "O", filled.get()));
}

ref array(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept) {
    const ref element(PyObject_GetAttr(ctype, types.core->type_name));
    const ref size(element ? PyObject_GetAttr(ctype, types.name.length) : nullptr);
    const Py_ssize_t length = size ? PyLong_AsSsize_t(size.get()) : -1;
    if (length < 0) {
        return {};
    }
    const char code = code_of(types, element.get());
    if (is_text(value) && is_code_of_bytes(code)) {
        return array_of_bytes(types, ctype, code, length, value);
    }
    if (PyUnicode_Check(value) && code == 'u' && PyUnicode_GET_LENGTH(value) <= length) {
        const ref characters(PySequence_Tuple(value));
        return characters ? ref(PyObject_CallObject(ctype, characters.get())) : ref();
    }
    if (!is_sequence(value) && !is_array(types, value)) {
        return misfit(types);
    }
    const Py_ssize_t count = PySequence_Size(value);
    return count > length ? misfit(types, "it has %zd elements", count)
                          : elements(types, ctype, value, kept);
}

// ---- pointers

// Whether types are the same to C: arrays of headers are classes of their own.
bool are_alike(const header_types &types, PyObject *one, PyObject *other) {
    auto *base = types.core->array;
    if (!is_class_of(one, base) || !is_class_of(other, base)) {
        return PyType_Check(other) != 0 && is_class_of(one, other);
    }
    const ref lengths[] = {ref(PyObject_GetAttr(one, types.name.length)),
                           ref(PyObject_GetAttr(other, types.name.length))};
    const ref items[] = {ref(PyObject_GetAttr(one, types.core->type_name)),
                         ref(PyObject_GetAttr(other, types.core->type_name))};
    const bool same = lengths[0] && lengths[1] && items[0] && items[1] &&
                      PyObject_RichCompareBool(lengths[0].get(), lengths[1].get(), Py_EQ) == 1 &&
                      are_alike(types, items[0].get(), items[1].get());
    PyErr_Clear();
    return same;
}

// Whether items of a buffer's format are integers where the type is one, else real numbers.
bool holds(const header_types &types, const char *format, PyObject *target) {
    const char last = format[std::strlen(format) - 1];
    const bool is_real = last == 'f' || last == 'd' || last == 'g';
    const char code = code_of(types, target);
    return is_real == (code == 'f' || code == 'd' || code == 'g');
}

// An array on the memory of a bytearray, array.array, numpy array.
ref on_buffer(const header_types &types, PyObject *target, PyObject *value) {
    const ref view(PyMemoryView_FromObject(value));
    const ref size(view ? PyObject_CallOneArg(types.size_of, target) : nullptr);
    if (size) {
        const Py_buffer &buffer = *PyMemoryView_GET_BUFFER(view.get());
        const char *format = buffer.format == nullptr ? "B" : buffer.format;
        if (buffer.itemsize == 0 || buffer.itemsize != PyLong_AsSsize_t(size.get()) ||
            !holds(types, format, target)) {
            return misfit(types);
        }
        const ref type = array_of(target, buffer.len / buffer.itemsize);
        ref made(type ? PyObject_CallMethod(type.get(), "from_buffer", "O", value) : nullptr);
        if (made) {
            return made;
        }
    }
    return misfit_if(types, {PyExc_TypeError, PyExc_ValueError, PyExc_BufferError});
}

// A struct or union from a tuple or dict of its fields.
ref whole(const header_types &types, PyObject *ctype, PyObject *value) {
    if (PyTuple_Check(value)) {
        return ref(PyObject_CallObject(ctype, value));
    }
    if (PyDict_Check(value)) {
        const ref nothing(PyTuple_New(0));
        return nothing ? ref(PyObject_Call(ctype, nothing.get(), value)) : ref();
    }
    return misfit(types);
}

ref characters(const header_types &types, PyObject *target, PyObject *text) {
    if (!is_code_of_bytes(code_of(types, target))) {
        return misfit(types);
    }
    const ref data = bytes_of_text(text);
    if (!data) {
        return {};
    }
    const Py_ssize_t size = PyBytes_GET_SIZE(data.get()) + 1; // with the NUL
    const ref type = array_of(target, size);
    return type ? ref(PyObject_CallMethod(type.get(), "from_buffer_copy", "y#",
                                          PyBytes_AS_STRING(data.get()), size))
                : ref();
}

ref pointer_to_target(const header_types &types, PyObject *ctype, PyObject *target, PyObject *value,
                      PyObject *kept) {
    if (value == Py_None) {
        return ref::borrowed(value);
    }
    if (PyType_Check(target) && is_a(value, target)) {
        return ref(PyObject_CallOneArg(ctype, value));
    }
    if (are_alike(types, type_of_object(value), target)) {
        return address_of_instance(types, value, ctype);
    }
    if (is_pointer(types, value) || is_array(types, value)) {
        const ref other(PyObject_GetAttr(type_of_object(value), types.core->type_name));
        if (!other || are_alike(types, other.get(), target)) {
            return other ? cast(types, value, ctype) : ref();
        }
        return misfit(types);
    }
    if (is_a(value, types.core->void_pointer)) {
        return cast(types, value, ctype);
    }
    ref memory;
    if (is_sequence(value) || PyDict_Check(value)) {
        if (is_class_of(target, types.fields) && !complete(types, target)) {
            return {};
        }
        if (PyDict_Check(value)) {
            const ref made = whole(types, target, value);
            return made ? ref(PyObject_CallOneArg(ctype, made.get())) : ref();
        }
        const ref type = array_of(target, PySequence_Size(value));
        memory = type ? elements(types, type.get(), value, kept) : ref();
    } else if (is_text(value)) {
        memory = characters(types, target, value);
    } else if (is_a(value, types.core->c_data)) {
        return misfit(types);
    } else {
        memory = on_buffer(types, target, value);
    }
    return memory ? cast(types, memory.get(), ctype) : ref();
}

ref pointer(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept) {
    const ref target(PyObject_GetAttr(ctype, types.core->type_name));
    const ref object = without_byref(types, value);
    return target && object ? pointer_to_target(types, ctype, target.get(), object.get(), kept)
                            : ref();
}

// ---- function pointers

// The callback of this type for a callable: always the same, until unload.
ref kept_callback(const header_types &types, PyObject *kept, header_classes *classes,
                  PyObject *kind, PyObject *function) {
    ref owner;
    ref plain;
    if (!find_attribute(function, types.name.self, owner) ||
        !find_attribute(function, types.name.function, plain)) {
        return {};
    }
    // A bound method is a new object each time.
    const ref key(plain && owner ? Py_BuildValue("(ONN)", kind, PyLong_FromVoidPtr(owner.get()),
                                                 PyLong_FromVoidPtr(plain.get()))
                                 : Py_BuildValue("(ON)", kind, PyLong_FromVoidPtr(function)));
    if (!key) {
        return {};
    }
    PyObject *known = PyDict_GetItemWithError(kept, key.get());
    if (known != nullptr || PyErr_Occurred() != nullptr) {
        return ref::borrowed(known);
    }
    const ref made = make_callback(classes, kind, function);
    PyObject *first = made ? PyDict_SetDefault(kept, key.get(), made.get()) : nullptr;
    // Its id is its own as long as it is there.
    return first != nullptr && keep(kept, function) ? ref::borrowed(first) : ref();
}

ref function_at(PyObject *ctype, PyObject *number) {
    const ref place(PyLong_FromUnsignedLongLong(PyLong_AsUnsignedLongLongMask(number)));
    return place ? ref(PyObject_CallOneArg(ctype, place.get())) : ref();
}

} // namespace

ref stored_function(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept,
                    header_classes *classes, PyObject *kind) {
    if (value == Py_None) {
        return ref(PyObject_CallNoArgs(ctype));
    }
    if (is_function(types, value)) {
        return cast(types, value, ctype);
    }
    if (PyLong_Check(value)) {
        return function_at(ctype, value);
    }
    ref given;
    if (!find_attribute(value, types.name.address, given)) {
        return {};
    }
    if (given && PyLong_Check(given.get())) {
        return kept == nullptr || keep(kept, value) ? function_at(ctype, given.get()) : ref();
    }
    if (is_a(value, types.core->void_pointer)) {
        return cast(types, value, ctype);
    }
    if (PyCallable_Check(value) == 0) {
        return misfit(types);
    }
    if (classes == nullptr) { // it lives until unload
        return ref(PyObject_CallFunctionObjArgs(types.core->callback_maker, ctype, value, nullptr));
    }
    ref made = kept == nullptr ? make_callback(classes, kind, value)
                               : kept_callback(types, kept, classes, kind, value);
    return !made || is_a(made.get(), ctype) ? std::move(made) : cast(types, made.get(), ctype);
}

namespace {

// A type of epy or of the script, which knows what it takes.
bool converts_itself(const header_types &types, PyObject *ctype) {
    auto *type = reinterpret_cast<PyTypeObject *>(ctype);
    if (is_class_of(ctype, types.core->simple)) {
        return reinterpret_cast<PyObject *>(type->tp_base) != types.core->simple &&
               PyObject_HasAttr(ctype, types.name.members) == 0;
    }
    return PyDict_Contains(type->tp_dict, types.name.code) == 1;
}

ref stored_function_of_class(const header_types &types, PyObject *ctype, PyObject *value,
                             PyObject *kept) {
    ref kind;
    if (!find_attribute(ctype, types.name.kind, kind)) {
        return {};
    }
    header_classes *classes = kind ? classes_of(types, ctype) : nullptr; // none: a type of a script
    return kind && classes == nullptr
               ? ref()
               : stored_function(types, ctype, value, kept, classes, kind.get());
}

ref converted(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept) {
    const module_state &core = *types.core;
    if (is_a(value, ctype)) {
        return ref::borrowed(value);
    }
    if (converts_itself(types, ctype)) {
        return ref(PyObject_CallOneArg(ctype, value));
    }
    if (is_class_of(ctype, core.simple)) {
        return simple(types, ctype, value, kept);
    }
    if (is_class_of(ctype, reinterpret_cast<PyObject *>(core.function_pointer))) {
        return stored_function_of_class(types, ctype, value, kept);
    }
    if (is_class_of(ctype, reinterpret_cast<PyObject *>(core.pointer))) {
        return pointer(types, ctype, value, kept);
    }
    return is_class_of(ctype, core.array) ? array(types, ctype, value, kept)
                                          : whole(types, ctype, value);
}

} // namespace

ref stored(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept) {
    if (PyType_Check(ctype) == 0) {
        return misfit(types);
    }
    ref made = converted(types, ctype, value, kept);
    if (made && kept != nullptr && is_a(made.get(), types.core->c_data)) {
        const ref needed(PyObject_GetAttr(made.get(), types.name.objects));
        const int is_needed = needed ? PyObject_IsTrue(needed.get()) : -1;
        if (is_needed < 0 || (is_needed > 0 && !keep(kept, made.get()))) {
            return {};
        }
    }
    return made;
}

bool find_keeper(const header_types &types, PyObject *instance, ref &kept) {
    ref at = ref::borrowed(instance);
    ref base(PyObject_GetAttr(instance, types.name.whole));
    while (base && base.get() != Py_None && !is_pointer(types, base.get())) {
        at = std::move(base);
        base = ref(PyObject_GetAttr(at.get(), types.name.whole));
    }
    if (!base) {
        return false;
    }
    if (base.get() == Py_None) {
        const ref is_freed(PyObject_GetAttr(at.get(), types.name.is_freed));
        const int owned = is_freed ? PyObject_IsTrue(is_freed.get()) : -1;
        if (owned != 0) {
            return owned > 0;
        }
    }
    const header_classes *classes = classes_of(types, type_of_object(instance));
    kept = ref::borrowed(classes == nullptr ? nullptr : classes->kept);
    return classes != nullptr;
}

ref attribute_of_class(PyObject *instance, PyObject *name) {
    return ref(PyObject_GetAttr(type_of_object(instance), name));
}

char code_of(const header_types &types, PyObject *type) {
    if (!is_class_of(type, types.core->simple)) {
        return '\0';
    }
    const ref code(PyObject_GetAttr(type, types.core->type_name));
    const char *text = code && PyUnicode_Check(code.get()) ? PyUnicode_AsUTF8(code.get()) : nullptr;
    PyErr_Clear();
    return text == nullptr ? '\0' : text[0];
}

bool is_special(PyObject *name) {
    return PyUnicode_GET_LENGTH(name) > 1 && PyUnicode_READ_CHAR(name, 0) == '_' &&
           PyUnicode_READ_CHAR(name, 1) == '_';
}

ref taken_exception() {
    PyObject *kind = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&kind, &value, &traceback);
    PyErr_NormalizeException(&kind, &value, &traceback);
    if (traceback != nullptr) {
        PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(kind);
    Py_XDECREF(traceback);
    return ref(value);
}

void raise_misfit(const char *function, std::initializer_list<PyObject *> arguments, ref reason) {
    const ref module(PyImport_ImportModule("epy._misfits"));
    const ref maker(module ? PyObject_GetAttrString(module.get(), function) : nullptr);
    const ref all(maker ? PyTuple_New(static_cast<Py_ssize_t>(arguments.size()) + 1) : nullptr);
    if (!all) {
        return;
    }
    Py_ssize_t index = 0;
    for (PyObject *argument : arguments) {
        PyTuple_SET_ITEM(all.get(), index++, Py_NewRef(argument));
    }
    PyTuple_SET_ITEM(all.get(), index, reason ? reason.release() : Py_NewRef(Py_None));
    const ref made(PyObject_CallObject(maker.get(), all.get()));
    if (made) {
        PyErr_SetObject(type_of_object(made.get()), made.get());
    }
}

// An object of the type that holds the value.
PyObject *instance(PyObject *module, PyObject *arguments) {
    PyObject *ctype = nullptr;
    PyObject *value = nullptr;
    if (PyArg_ParseTuple(arguments, "O!O:instance", &PyType_Type, &ctype, &value) == 0) {
        return nullptr;
    }
    const header_types &types = *state_of(module).headers;
    ref made = stored(types, ctype, value, nullptr);
    if (!made || is_a(made.get(), ctype)) {
        return made.release();
    }
    return is_class_of(ctype, types.core->array)
               ? PyObject_CallMethod(ctype, "from_buffer_copy", "O", made.get())
               : PyObject_CallOneArg(ctype, made.get());
}

} // namespace epy
