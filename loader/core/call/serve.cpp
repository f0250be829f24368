// The call path.
//
//   host -> trampoline -> epy_call_entry -> epy_dispatch -> serve
//     room on the stack -> attach this thread -> convert arguments -> vectorcall
//     -> convert the result -> detach
//
// Whatever goes wrong in Python is reported and the host gets the declared error value.
#include "loader/core/call/serve.h"

#include <type_traits>

#include "loader/core/call/errno_place.h"
#include "loader/core/call/outcome.h"
#include "loader/core/call/run_function.h"
#include "loader/core/call/scope.h"
#include "loader/core/thread/python_stack.h"
#include "loader/core/thread/recursion.h"
#include "loader/core/thread/stack.h"
#include "loader/core/thread/sub_interpreter.h"
#include "loader/core/thread/threads.h"
#include "loader/core/thread/unwinding.h"
#include "loader/fp_environment.h"
#include "loader/log.h"

namespace epy {

namespace {

// Where the assembly entry left the arguments.
struct frame_arguments {
    static constexpr void *result = nullptr;
    const frame *base;
    const void *at(std::size_t, std::uint32_t offset) const {
        return reinterpret_cast<const std::byte *>(base) + offset;
    }
};

void complain_of_stale_pointer(call_record &native) noexcept {
    if (!native.complained) {
        native.complained = true;
        say(log_level::error,
            native.removed
                ? "epy: %s was called, which its script does not define any more since it was "
                  "reloaded; it returned its error value"
                : "epy: %s was called after it was dropped; it returned its error value. Keep "
                  "the callback object, or the struct that it is in, as long as the host may call "
                  "it",
            native.label);
    }
}

template <typename Arguments>
[[gnu::noinline]] served serve_despite_exception(call_record &, Arguments, std::uintptr_t here,
                                                 int &host_errno,
                                                 const PyThreadState *state) noexcept;

// With the GIL. `here` as `call_context` has it.
template <typename Arguments>
[[gnu::always_inline]] inline served serve_attached(call_record &native, Arguments source,
                                                    std::uintptr_t here, int &host_errno,
                                                    const PyThreadState *state) {
    callback *self = native.target;
    if (self == nullptr) [[unlikely]] {
        complain_of_stale_pointer(native);
        return {native.head.error[0], nullptr};
    }
    if (cpython::has_exception(state)) [[unlikely]] {
        return serve_despite_exception(native, source, here, host_errno, state);
    }
    auto *object = reinterpret_cast<PyObject *>(self);
    const ref alive = ref::borrowed(object);
    call_extras *const callers = running.extras;
    const call_scope now(object, here, host_errno);
    if (ref result(call(*self, source)); result) [[likely]] {
#ifdef EPY_REUSE
        std::uint64_t bits = 0;
        if (read_result(self->objects->result(), result, bits)) [[likely]] {
            return {bits, nullptr};
        }
#endif
        served done = {0, nullptr};
        if (read_by_the_rules(*self, native, std::move(result), source.result, done)) [[likely]] {
            return done;
        }
    }
    return serve_error(*self, native, callers, source.result);
}

[[gnu::noinline]] served refuse(const call_record &native, const attachment &python) noexcept {
    if (python.is_out_of_memory()) {
        complain_of_memory(&native);
    } else {
        refuse_for_end(native.label);
    }
    return {native.head.error[0], nullptr};
}

[[gnu::noinline]] served refuse(call_record &native, const sub_attachment &python) noexcept {
    if (python.is_out_of_memory()) {
        complain_of_memory(&native);
    } else if (native.interpreter->has_ended_with_python()) {
        refuse_for_end(native.label);
    } else {
        complain_of_stale_pointer(native);
    }
    return {native.head.error[0], nullptr};
}

template <typename Attachment> Attachment attach_for(call_record &native) noexcept {
    if constexpr (std::is_same_v<Attachment, sub_attachment>) {
        return Attachment(*native.interpreter);
    } else {
        return Attachment();
    }
}

template <typename Arguments>
served serve_despite_exception(call_record &native, Arguments source, std::uintptr_t here,
                               int &host_errno, const PyThreadState *state) noexcept {
    const exception_set_aside callers;
    return serve_attached(native, source, here, host_errno, state);
}

// This thread is new, or holds the GIL in another way than as `known`.
template <typename Arguments>
[[gnu::noinline]] served serve_unusual(call_record &native, Arguments source, std::uintptr_t here,
                                       int &host_errno, PyThreadState *known,
                                       PyThreadState *current) noexcept {
    const attachment python(known, current);
    if (!python) {
        return refuse(native, python);
    }
    return serve_attached(native, source, call_context::entry(here, python.found()), host_errno,
                          python.state());
}

// `here` is the host's stack pointer.
template <typename Arguments>
[[gnu::always_inline]] inline served serve_from(call_record &native, Arguments source,
                                                std::uintptr_t here) {
    int host_errno = this_errno();
    served result;
    {
        const fp_environment floating_point;
        PyThreadState *const known = attachment::known_state();
        PyThreadState *const current = attachment::current_state();
        if (known == nullptr || (current != nullptr && current != known)) [[unlikely]] {
            result = serve_unusual(native, source, here, host_errno, known, current);
        } else if (current != nullptr) {
            result = serve_attached(native, source, call_context::entry(here, found_gil::held),
                                    host_errno, known);
        } else {
            const attachment python(known);
            result = python ? serve_attached(native, source, here, host_errno, known)
                            : refuse(native, python);
        }
    }
    this_errno() = host_errno;
    return result;
}

// A stack was left for one of epy's, and now a call comes from further up there.
template <typename Attachment> void look_for_jump_below(call_record &native) noexcept {
    const fp_environment floating_point;
    const Attachment python = attach_for<Attachment>(native);
    if (python) {
        call_scope::look_for_jump(running.runner);
    }
}

// With as many levels of Python's limit. `here` may be on a stack of epy's.
template <typename Attachment, typename Arguments>
[[gnu::noinline]] served serve_within(call_record &native, Arguments source, std::uintptr_t here,
                                      std::size_t levels) noexcept {
    served result = {0, nullptr};
    int host_errno = this_errno();
    {
        const fp_environment floating_point;
        const Attachment python = attach_for<Attachment>(native);
        if (python) {
            const recursion_limit lowered(python.state(), levels);
            const python_stack stack(python.state());
            result = serve_attached(native, source, call_context::entry(here, python.found()),
                                    host_errno, python.state());
        } else {
            result = refuse(native, python);
        }
    }
    this_errno() = host_errno;
    return result;
}

// There is little room on this stack, or it is not known yet, or the callback is a
// sub-interpreter's.
template <typename Attachment, typename Arguments>
[[gnu::noinline]] served serve_with_little_stack(call_record &native, Arguments source,
                                                 std::uintptr_t here) noexcept {
    bool jumped = false;
    const int host_errno = this_errno();
    const std::size_t levels = levels_below(here, jumped);
    this_errno() = host_errno;
    if constexpr (std::is_same_v<Attachment, attachment>) {
        if (levels == SIZE_MAX) {
            return serve_from(native, source, here);
        }
    }
    served result = {0, nullptr};
    if (levels != 0) {
        result = serve_within<Attachment>(native, source, here, levels);
    } else if (!run_on_own_stack(here, [&] {
                   if (jumped) {
                       look_for_jump_below<Attachment>(native);
                   }
                   const auto there = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
                   result = serve_within<Attachment>(native, source, there, SIZE_MAX);
               })) {
        complain_of_memory(&native);
        result.bits = native.head.error[0];
    }
    return result;
}

template <typename Arguments>
[[gnu::always_inline]] inline served serve_anywhere(call_record &native, Arguments source,
                                                    const void *frame) {
    const auto here = reinterpret_cast<std::uintptr_t>(frame);
    if (!has_plenty_of_stack(here)) [[unlikely]] {
        return serve_with_little_stack<attachment>(native, source, here);
    }
    return serve_from(native, source, here);
}

} // namespace

served serve(call_record &native, pointer_arguments source) noexcept {
    return serve_anywhere(native, source, __builtin_frame_address(0));
}

served serve_sub(call_record &native, pointer_arguments source) noexcept {
    return serve_with_little_stack<sub_attachment>(
        native, source, reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
}

} // namespace epy

namespace {

// Returns the function to leave for, or null.
[[gnu::always_inline]] inline void *finish(const epy::served &done, epy::frame *registers) {
    const auto [bits, jump] = done;
    if (jump != nullptr) [[unlikely]] {
        epy::fill(*jump, *registers);
        return jump->target;
    }
    registers->rax = bits;
    registers->xmm0 = bits;
    return nullptr;
}

} // namespace

void *epy_dispatch(epy::call_record *native, epy::frame *registers) noexcept {
    return finish(epy::serve_anywhere(*native, epy::frame_arguments{registers}, registers),
                  registers);
}

void *epy_dispatch_sub(epy::call_record *native, epy::frame *registers) noexcept {
    return finish(
        epy::serve_with_little_stack<epy::sub_attachment>(
            *native, epy::frame_arguments{registers}, reinterpret_cast<std::uintptr_t>(registers)),
        registers);
}
