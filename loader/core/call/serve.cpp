// The call path.
//
//   host -> trampoline -> epy_call_entry -> epy_dispatch -> serve
//     room on the stack -> attach this thread -> convert arguments -> vectorcall
//     -> convert the result -> detach
//
// Whatever goes wrong in Python is reported and the host gets the declared error value.
#include "loader/core/call/serve.h"

#include <bit>

#include "loader/core/call/convert.h"
#include "loader/core/call/errno_place.h"
#include "loader/core/call/outcome.h"
#include "loader/core/call/owned_array.h"
#include "loader/core/call/scope.h"
#include "loader/core/thread/python_stack.h"
#include "loader/core/thread/recursion.h"
#include "loader/core/thread/stack.h"
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

template <typename Arguments>
[[gnu::noinline]] PyObject *make_for_one_call(const callback &self, std::size_t index,
                                              argument_objects::argument &expected,
                                              Arguments source) noexcept {
    if (PyErr_Occurred() != nullptr) {
        return nullptr;
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
        if (complain_of_end != nullptr) {
            complain_of_end(native.label);
        }
    }
    return {native.head.error[0], nullptr};
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
    return serve_attached(native, source,
                          python.found_gil_held() ? call_context::with_gil(here) : here, host_errno,
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
            result =
                serve_attached(native, source, call_context::with_gil(here), host_errno, known);
        } else {
            const attachment python(known);
            result = serve_attached(native, source, here, host_errno, known);
        }
    }
    this_errno() = host_errno;
    return result;
}

// A stack was left for one of epy's, and now a call comes from further up there.
void look_for_jump_below() noexcept {
    const fp_environment floating_point;
    const attachment python;
    if (python) {
        call_scope::look_for_jump(running.runner);
    }
}

// With as many levels of Python's limit. `here` may be on a stack of epy's.
template <typename Arguments>
[[gnu::noinline]] served serve_within(call_record &native, Arguments source, std::uintptr_t here,
                                      std::size_t levels) noexcept {
    served result = {0, nullptr};
    int host_errno = this_errno();
    {
        const fp_environment floating_point;
        const attachment python;
        if (python) {
            const recursion_limit lowered(python.state(), levels);
            const python_stack stack(python.state());
            const std::uintptr_t entered_at =
                python.found_gil_held() ? call_context::with_gil(here) : here;
            result = serve_attached(native, source, entered_at, host_errno, python.state());
        } else {
            result = refuse(native, python);
        }
    }
    this_errno() = host_errno;
    return result;
}

// There is little room on this stack, or it is not known yet.
template <typename Arguments>
[[gnu::noinline]] served serve_with_little_stack(call_record &native, Arguments source,
                                                 std::uintptr_t here) noexcept {
    bool jumped = false;
    const int host_errno = this_errno();
    const std::size_t levels = levels_below(here, jumped);
    this_errno() = host_errno;
    if (levels == SIZE_MAX) {
        return serve_from(native, source, here);
    }
    served result = {0, nullptr};
    if (levels != 0) {
        result = serve_within(native, source, here, levels);
    } else if (!run_on_own_stack(here, [&] {
                   if (jumped) {
                       look_for_jump_below();
                   }
                   const auto there = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
                   result = serve_within(native, source, there, SIZE_MAX);
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
        return serve_with_little_stack(native, source, here);
    }
    return serve_from(native, source, here);
}

} // namespace

served serve(call_record &native, pointer_arguments source) noexcept {
    return serve_anywhere(native, source, __builtin_frame_address(0));
}

} // namespace epy

void *epy_dispatch(epy::call_record *native, epy::frame *registers) noexcept {
    const auto [bits, jump] =
        epy::serve_anywhere(*native, epy::frame_arguments{registers}, registers);
    if (jump != nullptr) [[unlikely]] {
        epy::fill(*jump, *registers);
        return jump->target;
    }
    registers->rax = bits;
    registers->xmm0 = bits;
    return nullptr;
}
