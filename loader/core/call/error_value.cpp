#include "loader/core/call/error_value.h"

#include <cstring>
#include <utility>

#include "loader/core/call/convert.h"

namespace epy {

bool set_error_value(const module_state &state, const parameter &result, PyObject *error,
                     call_record &native) {
    record &head = native.head;
    const bool in_memory = result.form.returned() == result_class::memory;
    head.result = result.form.returned();
    head.error[0] = head.error[1] = 0;
    head.error_size = in_memory ? result.form.size : 0;
    native.kept = ref();
    native.error = ref();
    if (error == Py_None) {
        return true;
    }
    c_value value;
    ref bytes;
    if (in_memory) {
        bytes = ref(PyBytes_FromStringAndSize(nullptr, result.form.size));
        if (!bytes) {
            return false;
        }
        value.memory = PyBytes_AS_STRING(bytes.get());
    } else if (result.form.size > sizeof value.bits) {
        value.memory = head.error;
    }
    parameter plain; // of a handle: an address like any other, no object
    plain.code = type::pointer;
    plain.form = result.form;
    if (!from_python(state, is_handle(result.code) ? plain : result, error, nullptr, value)) {
        return false;
    }
    if (in_memory) {
        head.error[0] = reinterpret_cast<std::uintptr_t>(value.memory);
    } else if (value.memory == nullptr) {
        head.error[0] = value.bits;
    }
    if (result.code == type::aggregate) {
        if (value.keep && PyTuple_Check(value.keep.get())) { // with what its pointers lead to
            native.error = std::move(value.keep);
        }
        native.kept = std::move(bytes);
    } else {
        native.kept = std::move(value.keep);
    }
    return true;
}

ref forget_error_value(call_record &native) {
    record &head = native.head;
    PyObject *const target = native.kept.get();
    ref error = std::move(native.error);
    if (error) {
        if (target == nullptr) {
            head.error[0] = head.error[1] = 0;
        } else { // what the record points to is its own
            std::memset(PyBytes_AS_STRING(target), 0, static_cast<std::size_t>(head.error_size));
        }
    } else if (target != nullptr && PyBytes_Check(target) == 0 && PyUnicode_Check(target) == 0) {
        head.error[0] = 0;
        return std::move(native.kept);
    }
    return error;
}

PyObject *describe_error_value(const signature &types, const call_record &native) {
    const record &head = native.head;
    PyObject *keeper = native.kept.get();
    PyObject *memory = Py_None;
    if (types.result.code == type::aggregate) {
        memory = keeper == nullptr ? Py_None : keeper;
        keeper = native.error.get();
    }
    const char code[] = {code_of(types.result.code), '\0'};
    PyObject *const seen = types.result.instance_of.get();
    return Py_BuildValue("(iy#OKsOO)", static_cast<int>(head.result),
                         reinterpret_cast<const char *>(head.error),
                         static_cast<Py_ssize_t>(sizeof head.error), memory,
                         static_cast<unsigned long long>(head.error_size), code,
                         seen == nullptr ? Py_None : seen, keeper == nullptr ? Py_None : keeper);
}

} // namespace epy
