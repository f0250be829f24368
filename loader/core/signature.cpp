#include "signature.h"

#include <cstring>

namespace epy {

bool signature::parse(const char *codes, PyObject *classes) {
    const std::size_t count = std::strlen(codes);
    if (count == 0 || !PyTuple_Check(classes) ||
        static_cast<std::size_t>(PyTuple_GET_SIZE(classes)) != count) {
        PyErr_SetString(PyExc_ValueError,
                        "a signature needs a code and a class (or None) for the result and for "
                        "each parameter");
        return false;
    }
    std::uint32_t general = 0;
    std::uint32_t vector = 0;
    std::uint32_t stack = 0;
    parameters.reserve(count - 1);
    for (std::size_t i = 0; i < count; ++i) {
        const auto code = type_of(codes[i]);
        if (!code || (*code == type::none && i > 0)) {
            PyErr_Format(PyExc_ValueError, "no C type has the code '%c'", codes[i]);
            return false;
        }
        PyObject *class_or_none = PyTuple_GET_ITEM(classes, static_cast<Py_ssize_t>(i));
        parameter one;
        one.code = *code;
        if (class_or_none != Py_None) {
            one.instance_of = ref::borrowed(class_or_none);
        }
        if (i == 0) {
            result = std::move(one);
            continue;
        }
        if (is_floating(one.code) && vector < EPY_FRAME_VECTOR_COUNT) {
            one.offset = EPY_FRAME_VECTOR + 8 * vector++;
        } else if (!is_floating(one.code) && general < EPY_FRAME_GENERAL_COUNT) {
            one.offset = EPY_FRAME_GENERAL + 8 * general++;
        } else {
            one.offset = EPY_FRAME_STACK + 8 * stack++;
        }
        parameters.push_back(std::move(one));
    }
    return true;
}

} // namespace epy
