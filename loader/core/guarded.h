// What Python's C code calls. It knows no C++ exceptions: one that ran through it would leave locks
// taken and references counted. Here memory that runs out becomes Python's own MemoryError.
#pragma once

#include <new>
#include <type_traits>

#include "loader/core/py.h"

namespace epy {

// How such a function says that an exception is set.
template <typename Result> constexpr Result failed() noexcept {
    if constexpr (std::is_pointer_v<Result>) {
        return nullptr;
    } else {
        return Result(-1);
    }
}

template <auto function> struct guarded_function;

template <typename Result, typename... Arguments, bool nothrow,
          Result (*function)(Arguments...) noexcept(nothrow)>
struct guarded_function<function> {
    static Result call(Arguments... arguments) {
        try {
            return function(arguments...);
        } catch (const std::bad_alloc &) {
            PyErr_NoMemory();
            return failed<Result>();
        }
    }
};

// For tables of methods and members.
template <auto function> inline constexpr auto guarded = guarded_function<function>::call;

// For tables of a type's slots.
template <auto function> inline void *slot() noexcept {
    return reinterpret_cast<void *>(guarded_function<function>::call);
}

} // namespace epy
