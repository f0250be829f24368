// Numbers, characters and addresses: what fits a simple type.
#include <cmath>
#include <cstring>

#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/held_pointer.h"
#include "loader/core/headers/misfits.h"
#include "loader/core/headers/stored_parts.h"

namespace epy {

namespace {

unsigned bits_of_integer(char code) {
    switch (code) {
    case 'b':
    case 'B':
        return 8;
    case 'h':
    case 'H':
        return 16;
    case 'i':
    case 'I':
        return 32;
    default:
        return 64;
    }
}

} // namespace

bool integer_fits(PyObject *number, char code) {
    std::uint64_t unused = 0;
    return integer_of(number, code, unused);
}

bool integer_of(PyObject *number, char code, std::uint64_t &out) {
    const unsigned bits = bits_of_integer(code);
    const bool is_signed = code >= 'a';
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow != 0) {
        if (overflow < 0 || is_signed || bits < 64) {
            return false;
        }
        out = PyLong_AsUnsignedLongLong(number);
        const bool fits = PyErr_Occurred() == nullptr;
        PyErr_Clear();
        return fits;
    }
    out = static_cast<std::uint64_t>(value);
    if (bits == 64) {
        return is_signed || value >= 0;
    }
    const long long limit = 1LL << (is_signed ? bits - 1 : bits);
    return value < limit && value >= (is_signed ? -limit : 0);
}

namespace {

ref integer(char code, PyObject *value) {
    ref number = PyLong_Check(value) ? ref::borrowed(value) : ref(PyNumber_Index(value));
    if (!number) {
        return misfit_if({PyExc_TypeError});
    }
    return integer_fits(number.get(), code) ? std::move(number) : misfit();
}

ref real_number(char code, PyObject *value) {
    if (is_text(value)) { // Python reads numbers from text
        return misfit();
    }
    ref number(PyNumber_Float(value));
    if (!number) {
        return misfit_if({PyExc_TypeError, PyExc_ValueError, PyExc_OverflowError});
    }
    const double real = PyFloat_AS_DOUBLE(number.get());
    const bool is_too_large = code == 'f' && std::isinf(static_cast<float>(real));
    return is_too_large && !std::isinf(real) ? misfit() : std::move(number);
}

bool is_address(PyObject *number) {
    int overflow = 0;
    PyLong_AsLongLongAndOverflow(number, &overflow);
    return overflow == 0 || integer_fits(number, 'Q');
}

// Of a text. The host sees the value's own characters, so that those of a constant are always at
// one place, as in C.
ref text(const header_types &types, PyObject *ctype, char code, PyObject *value, storing &where) {
    const char *characters = PyBytes_Check(value) ? PyBytes_AS_STRING(value) : text_of(value);
    if (characters == nullptr) {
        return {};
    }
    if (where.kept != nullptr && !where.is_part) {
        where.needs = ref::borrowed(value);
        where.made = std::strlen(characters);
        return ref(PyLong_FromVoidPtr(const_cast<char *>(characters)));
    }
    ref data = bytes_of_text(value);
    if (!data || code == 'z') {
        return data;
    }
    const ref pointer(PyObject_CallOneArg(types.character_pointer, data.get())); // keeps them
    return pointer ? cast(types, pointer.get(), ctype) : ref();
}

// For `char *`, `wchar_t *` and `void *`.
ref address(const header_types &types, PyObject *ctype, char code, PyObject *value,
            storing &where) {
    if (is_text(value) && code != 'Z') {
        return text(types, ctype, code, value, where);
    }
    if (value == Py_None || (PyLong_Check(value) && is_address(value))) {
        return ref::borrowed(value);
    }
    pointed there;
    PyObject *target = code == 'z'   ? types.core->character
                       : code == 'Z' ? types.core->wide_character
                                     : nullptr;
    const fit found = points_to(*types.core, target, value, there);
    where.is_lent = there.keep && PyMemoryView_Check(there.keep.get());
    if (found == fit::no) {
        return there.reason.empty() && PyCallable_Check(value) != 0 && code == 'P'
                   ? misfit("a callable has no prototype here: pass an epy.callback")
                   : misfit("%s", there.reason.c_str());
    }
    return found == fit::yes ? pointer_object(types, ctype, std::move(there)) : ref();
}

} // namespace

ref stored_simple(const header_types &types, PyObject *ctype, PyObject *value, storing &where) {
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
        return integer(code, value);
    case 'f':
    case 'd':
    case 'g':
        return real_number(code, value);
    case 'Z':
        if (PyUnicode_Check(value)) {
            return ref::borrowed(value);
        }
        [[fallthrough]];
    case 'z':
    case 'P':
        return address(types, ctype, code, value, where);
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
            return misfit();
        }
        break;
    default:
        break;
    }
    const ref made(PyObject_CallOneArg(ctype, value));
    return made ? ref::borrowed(value)
                : misfit_if({PyExc_TypeError, PyExc_ValueError, PyExc_OverflowError});
}

} // namespace epy
