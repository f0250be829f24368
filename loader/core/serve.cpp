// The call path.
//
//   host -> trampoline -> epy_call_entry -> epy_dispatch -> serve
//     attach this thread -> convert arguments -> vectorcall -> convert the result -> detach
//
// Whatever goes wrong in Python is reported and the host gets the declared error value.
#include "serve.h"

#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdio>

#include "../fp_environment.h"
#include "convert.h"
#include "threads.h"
#include "unwinding.h"

namespace epy {

namespace {

constinit thread_local PyObject *running [[gnu::tls_model("initial-exec")]] = nullptr;

// Arguments on the stack up to here; more are on the heap.
constexpr std::size_t few = 16;

// Owned references, released whatever happens.
class owned_array {
public:
    explicit owned_array(std::size_t capacity)
        : items_(capacity < few ? small_ : new PyObject *[capacity + 1]) {}
    ~owned_array() {
        for (std::size_t i = 1; i <= count_; ++i) {
            Py_DECREF(items_[i]);
        }
        if (items_ != small_) {
            delete[] items_;
        }
    }
    owned_array(const owned_array &) = delete;
    owned_array &operator=(const owned_array &) = delete;

    void push(PyObject *object) noexcept { items_[++count_] = object; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    // The callee may use the item before the first one (PY_VECTORCALL_ARGUMENTS_OFFSET).
    [[nodiscard]] PyObject **data() noexcept { return items_ + 1; }

private:
    PyObject *small_[few + 1];
    PyObject **items_;
    std::size_t count_ = 0;
};

void report_exception(callback &self) noexcept {
    PyObject *kind = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&kind, &value, &traceback);
    PyErr_NormalizeException(&kind, &value, &traceback);
    const ref kept_kind(kind);
    const ref exception(value);
    const ref kept_traceback(traceback);
    if (traceback != nullptr && exception) {
        PyException_SetTraceback(value, traceback);
    }
    PyObject *reporter = self.state->reporter;
    if (reporter == nullptr || !exception) {
        PyErr_Restore(Py_XNewRef(kind), Py_XNewRef(value), Py_XNewRef(traceback));
        PyErr_WriteUnraisable(self.function);
        return;
    }
    const ref done(PyObject_CallFunctionObjArgs(reporter, reinterpret_cast<PyObject *>(&self),
                                                value, nullptr));
    if (!done) {
        PyErr_WriteUnraisable(reporter);
    }
}

// A new reference to the function's result, or null.
template <typename Arguments> PyObject *call_plain(callback &self, const Arguments &source) {
    const std::vector<parameter> &parameters = self.types->parameters;
    owned_array objects(parameters.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        PyObject *object =
            run_python([&] { return to_python(parameters[i], source.at(i, parameters[i].offset)); });
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

[[gnu::noinline]] PyObject *make_for_one_call(const callback &self, std::size_t index,
                                              argument_objects::argument &expected,
                                              const void *value) {
    if (PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    PyObject *object = run_python([&] { return to_python(self.types->parameters[index], value); });
    if (object != nullptr) {
        argument_objects::keep(expected, object);
    }
    return object;
}

// The same with argument objects of the last call, and straight into a Python function's own entry.
template <typename Arguments>
PyObject *call_reusing(callback &self, const argument_objects::use &reuse,
                       const Arguments &source) {
    PyObject *objects[few + 1]; // borrowed; the first place is the callee's
    std::size_t count = 0;
    for (argument_objects::argument &expected : reuse) {
        const void *value = source.at(count, expected.offset);
        PyObject *object = argument_objects::make(expected, value);
        if (object == nullptr) {
            object = make_for_one_call(self, count, expected, value);
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

// Results that need no look at the rules. False: the rules decide.
[[gnu::always_inline]] inline bool read_result(const parameter &result, PyObject *value,
                                               c_value &out) {
    if (result.instance_of) {
        return false;
    }
    std::int64_t number = 0;
    switch (result.code) {
    case type::none:
        return true;
    case type::double_precision:
        if (PyFloat_CheckExact(value)) {
            out.bits = std::bit_cast<std::uint64_t>(PyFloat_AS_DOUBLE(value));
            return true;
        }
        return false;
    case type::signed_int:
    case type::signed_long:
    case type::signed_long_long:
        if (read_short_int(value, number)) {
            out.bits = static_cast<std::uint64_t>(number);
            return true;
        }
        return false;
    case type::unsigned_int:
    case type::unsigned_long:
    case type::unsigned_long_long:
        if (read_short_int(value, number) && number >= 0) {
            out.bits = static_cast<std::uint64_t>(number);
            return true;
        }
        return false;
    default:
        return false;
    }
}

#endif

template <typename Arguments> PyObject *call(callback &self, const Arguments &source) {
#ifdef EPY_REUSE
    if (self.types->parameters.size() <= few) {
        argument_objects::use reuse(*self.objects);
        if (reuse) [[likely]] {
            return call_reusing(self, reuse, source);
        }
    }
#endif
    return call_plain(self, source);
}

template <typename Arguments>
bool run(callback &self, const call_record &native, const Arguments &source, c_value &out) {
    const ref result(call(self, source));
    if (!result) {
        return false;
    }
#ifdef EPY_REUSE
    if (read_result(self.types->result, result.get(), out)) {
        return true;
    }
#endif
    if (!run_python(
            [&] { return from_python(*self.state, self.types->result, result.get(), out); })) {
        return false;
    }
    if (out.keep) {
        // Until this callback's next return on this thread.
        this_thread().returned[&native] = std::move(out.keep);
    }
    return true;
}

void complain_of_stale_pointer(call_record &native) noexcept {
    if (!native.complained) {
        native.complained = true;
        dprintf(STDERR_FILENO,
                "epy: '%s' was called after it was dropped; it returned its error value. Keep the "
                "callback object as long as the host may call it\n",
                native.label);
    }
}

template <typename Arguments>
std::uint64_t serve_from(call_record &native, const Arguments &source) {
    const int saved_errno = errno;
    const fp_environment floating_point;
    const attachment python;
    std::uint64_t result = native.head.error[0];
    if (python) {
        callback *self = native.target;
        if (self == nullptr) {
            complain_of_stale_pointer(native);
        } else {
            const ref alive = ref::borrowed(reinterpret_cast<PyObject *>(self));
            const running_scope now(self->plugin);
            c_value out;
            if (run(*self, native, source, out)) {
                result = out.bits;
            } else {
                run_python([&] { report_exception(*self); });
            }
        }
    }
    errno = saved_errno;
    return result;
}

} // namespace

std::uint64_t serve(call_record &native, frame_arguments source) {
    return serve_from(native, source);
}

std::uint64_t serve(call_record &native, pointer_arguments source) {
    return serve_from(native, source);
}

PyObject *running_plugin() noexcept { return running; }

running_scope::running_scope(PyObject *native_plugin) noexcept : before_(running) {
    running = native_plugin;
}

running_scope::~running_scope() { running = before_; }

} // namespace epy
