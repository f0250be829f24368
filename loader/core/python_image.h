// The object of the process that has this CPython in it: libpython, or an executable.
// What CPython 3.15 has hidden in there is looked for with it.
#pragma once

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>

namespace epy {

struct python_image {
    std::uintptr_t begin; // of what is mapped
    std::uintptr_t end;
    std::size_t variables;      // for __tls_get_addr: those that each thread has
    std::size_t variables_size; // in bytes
};

// Any thread.
const python_image &find_python_image() noexcept;

} // namespace epy

extern "C" {
#endif

// Whether a function of CPython's is on this thread's stack, as far as that can be unwound.
int epy_is_called_by_python(void);

#ifdef __cplusplus
}
#endif
