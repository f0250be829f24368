#include "loader/core/values/plain_values.h"

#include <cstdint>
#include <cstring>

#include "loader/core/values/load.h"

namespace epy {

namespace {

template <typename T> PyObject *integer(const void *place) {
    return PyLong_FromLongLong(load<T>(place));
}

} // namespace

PyObject *plain_value(char code, const void *place) {
    switch (code) {
    case '?':
        return PyBool_FromLong(load<unsigned char>(place));
    case 'b':
        return integer<signed char>(place);
    case 'B':
        return integer<unsigned char>(place);
    case 'h':
        return integer<short>(place);
    case 'H':
        return integer<unsigned short>(place);
    case 'i':
        return integer<int>(place);
    case 'I':
        return integer<unsigned>(place);
    case 'l':
    case 'q':
        return integer<long long>(place);
    case 'L':
    case 'Q':
        return PyLong_FromUnsignedLongLong(load<unsigned long long>(place));
    case 'f':
        return PyFloat_FromDouble(static_cast<double>(load<float>(place)));
    case 'd':
        return PyFloat_FromDouble(load<double>(place));
    default:
        break;
    }
    auto *const address = load<const char *>(place);
    if (address == nullptr) {
        return Py_NewRef(Py_None);
    }
    return code == 'z' ? PyBytes_FromString(address)
                       : PyLong_FromVoidPtr(const_cast<char *>(address));
}

} // namespace epy
