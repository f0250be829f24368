#include "loader/bootstrap/call_host.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <unistd.h>
#include <unwind.h>

#include <cstring>
#include <exception>

#include "loader/bootstrap/gil.h"
#include "loader/log.h"
#include "stub/uncancelled.h"

namespace epy {

namespace {

[[noreturn]] void stay(const char *what) noexcept {
    say(log_level::error,
        "epy: pthread_exit was called in %s, where a thread cannot end: it stays there, and who "
        "joins it waits for ever; let that function return",
        what);
    const gil_release meanwhile;
    for (;;) {
        pause();
    }
}

// Of a thread, as each C++ library has its own (Itanium C++ ABI: Exception Handling, 2.2.2).
struct exception_globals {
    void *caught;
    unsigned uncaught;
};
using globals_function = exception_globals *() noexcept;

// The library that threw has counted one exception more (std::uncaught_exceptions), and the catch
// counts one less in the library that the loader is linked with, its own. The header in front of
// the exception names what frees it: a function of the library that threw. One that has its globals
// to itself keeps its count.
void count_as_caught() noexcept {
    const std::exception_ptr caught = std::current_exception();
    const _Unwind_Exception *header = nullptr;
    static_assert(sizeof caught == sizeof header);
    std::memcpy(&header, static_cast<const void *>(&caught), sizeof header);
    Dl_info thrower, found;
    if (header == nullptr ||
        dladdr(reinterpret_cast<void *>((header - 1)->exception_cleanup), &thrower) == 0) {
        return; // no C++ exception
    }
    void *const library = dlopen(thrower.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    void *const globals = library == nullptr ? nullptr : dlsym(library, "__cxa_get_globals");
    if (globals != nullptr && dladdr(globals, &found) != 0 &&
        found.dli_fbase == thrower.dli_fbase &&
        globals != reinterpret_cast<void *>(abi::__cxa_get_globals)) {
        --reinterpret_cast<globals_function *>(globals)()->uncaught;
    }
    if (library != nullptr) {
        dlclose(library);
    }
}

} // namespace

// Of an unwinding that is forced there is no object: what is caught is never looked at.
[[gnu::no_sanitize("null")]] bool call_host(const char *what, void (*call)(void *),
                                            void *argument) noexcept {
    const uncancelled whole;
    try {
        call(argument);
        return true;
    } catch (const abi::__forced_unwind &) {
        stay(what);
    } catch (...) {
        count_as_caught();
        return false;
    }
}

} // namespace epy
