// Work of the loader that the host's stack may have too little room for.
#pragma once

#include <exception>
#include <type_traits>

#include "stub/own_stack.h"

namespace epy {

// As call_with_room; what `work` throws arrives on the caller's stack.
template <typename Work> auto with_room(Work work) {
    std::invoke_result_t<Work> result{};
    std::exception_ptr problem;
    call_with_room([&] {
        try {
            result = work();
        } catch (const std::exception &) {
            problem = std::current_exception();
        }
    });
    if (problem != nullptr) {
        std::rethrow_exception(problem);
    }
    return result;
}

} // namespace epy
