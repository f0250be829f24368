// The middle of a call, with the GIL: its arguments become objects, the function runs, and a result
// that needs no look at the rules is read. `Arguments` tells where the host's arguments lie:
// `at(index, offset)`. A header, because it is inlined into each way of serving (serve.cpp).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "loader/core/call/callback.h"
#include "loader/core/call/convert.h"
#include "loader/core/call/owned_array.h"
#include "loader/core/call/reuse.h"
#include "loader/core/thread/unwinding.h"

namespace epy {

template <typename Arguments>
PyObject *make_argument(const callback &self, std::size_t index, Arguments source) {
    const signature &types = *self.types;
    const parameter &expected = types.parameters[index];
    const void *place = source.at(index, expected.offset);
    if (expected.buffer) {
        const parameter &count = types.parameters[expected.buffer->count];
        return buffer_to_python(*expected.buffer, place, count.code,
                                source.at(expected.buffer->count, count.offset), index + 1);
    }
    return to_python(*self.state, expected, place);
}

// A new reference to the function's result, or null.
template <typename Arguments>
[[gnu::noinline]] PyObject *call_plain(callback &self, Arguments source) noexcept {
    const std::vector<parameter> &parameters = self.types->parameters;
    owned_array objects(parameters.size());
    if (!objects) {
        return PyErr_NoMemory();
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        PyObject *object = run_python([&] { return make_argument(self, i, source); });
        if (object == nullptr) {
            return nullptr;
        }
        objects.push(object);
    }
    return run_python([&] {
        return PyObject_Vectorcall(self.function, objects.data(),
                                   objects.size() | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
    });
}

#ifdef EPY_REUSE

// A pointer of ctypes, which the next call may use.
template <typename Arguments>
[[gnu::noinline]] PyObject *make_pointer(const callback &self, std::size_t index,
                                         argument_objects::argument &one,
                                         Arguments source) noexcept {
    if (PyObject *again = argument_objects::point_again(one, source.at(index, one.offset))) {
        return again;
    }
    PyObject *object = run_python([&] { return make_argument(self, index, source); });
    if (object != nullptr) {
        argument_objects::keep(one, object);
        one.memory = memory_of_pointer(*self.state, object);
    }
    return object;
}

template <typename Arguments>
[[gnu::noinline]] PyObject *make_for_one_call(const callback &self, std::size_t index,
                                              argument_objects::argument &expected,
                                              Arguments source) noexcept {
    if (PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    if (expected.may_stay) {
        return make_pointer(self, index, expected, source);
    }
    PyObject *object = run_python([&] { return make_argument(self, index, source); });
    if (object != nullptr) {
        argument_objects::keep(expected, object);
    }
    return object;
}

// The same with argument objects of the last call, and straight into a Python function's own entry.
template <typename Arguments>
[[gnu::always_inline]] inline PyObject *
call_reusing(callback &self, const argument_objects::use &reuse, Arguments source) {
    PyObject *objects[argument_objects::most + 1]; // borrowed; the first place is the callee's
    std::size_t count = 0;
    for (argument_objects::argument &expected : reuse) {
        PyObject *object = argument_objects::make(expected, source.at(count, expected.offset));
        if (object == nullptr) {
            object = make_for_one_call(self, count, expected, source);
            if (object == nullptr) {
                return nullptr;
            }
        }
        objects[++count] = object;
    }
    return run_python([&] {
        if (PyFunction_Check(self.function)) [[likely]] {
            return reinterpret_cast<PyFunctionObject *>(self.function)
                ->vectorcall(self.function, objects + 1, count | PY_VECTORCALL_ARGUMENTS_OFFSET,
                             nullptr);
        }
        return PyObject_Vectorcall(self.function, objects + 1,
                                   count | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
    });
}

// Results that need no look at the rules. False: the rules decide, and the object is still there.
[[gnu::always_inline]] inline bool read_result(quick_result kind, ref &result,
                                               std::uint64_t &bits) {
    PyObject *const value = result.get();
    if (kind <= quick_result::natural) [[likely]] {
        std::int64_t number = 0;
        if (!read_short_int(value, number) || (number < 0 && kind == quick_result::natural)) {
            return false;
        }
        bits = static_cast<std::uint64_t>(number);
        drop_int(result.release());
        return true;
    }
    if (kind == quick_result::real && PyFloat_CheckExact(value)) {
        bits = std::bit_cast<std::uint64_t>(PyFloat_AS_DOUBLE(value));
        return true;
    }
    return kind == quick_result::nothing && value == Py_None;
}

#endif

template <typename Arguments>
[[gnu::always_inline]] inline PyObject *call(callback &self, Arguments source) {
#ifdef EPY_REUSE
    argument_objects::use reuse(*self.objects);
    if (reuse) [[likely]] {
        return call_reusing(self, reuse, source);
    }
#endif
    return call_plain(self, source);
}

} // namespace epy
