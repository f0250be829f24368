// One call from the host into Python, whatever entry it came through.
#pragma once

#include "callback.h"
#include "frame.h"

namespace epy {

// Where the entry left argument i: at a fixed place of the call frame, or behind libffi's pointers.
struct frame_arguments {
    const frame *base;
    const void *at(std::size_t, std::uint32_t offset) const {
        return reinterpret_cast<const std::byte *>(base) + offset;
    }
};

struct pointer_arguments {
    void *const *base;
    const void *at(std::size_t index, std::uint32_t) const { return base[index]; }
};

// Runs the callback. The result, or the error value, as register contents. Lets nothing out but
// forced unwinding.
std::uint64_t serve(call_record &, frame_arguments);
std::uint64_t serve(call_record &, pointer_arguments);

// The NativePlugin whose callback or script runs on this thread: borrowed, null if none.
PyObject *running_plugin() noexcept;

// Makes it another one for a scope.
class running_scope {
public:
    explicit running_scope(PyObject *native_plugin) noexcept;
    ~running_scope();
    running_scope(const running_scope &) = delete;
    running_scope &operator=(const running_scope &) = delete;

private:
    PyObject *before_;
};

} // namespace epy
