#include "loader/core/call/outcome.h"

#include <climits>
#include <cstring>

#include "loader/core/call/convert.h"
#include "loader/core/noted_error.h"
#include "loader/core/thread/unwinding.h"
#include "loader/log.h"

namespace epy {

namespace {

// True if it was Ctrl-C in a Python of the host's.
bool report(callback &self, PyObject *exception) noexcept {
    PyObject *reporter = self.state->reporter;
    if (exception == nullptr) {
        complain_of_memory(self.native);
        return false;
    }
    if (reporter == nullptr) {
        PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception)), exception);
        run_python([&] { PyErr_WriteUnraisable(self.function); });
        return false;
    }
    // Where it writes Python may end this thread: nothing of ours may be unwound between.
    const ref done(run_python([&] {
        return PyObject_CallFunctionObjArgs(reporter, reinterpret_cast<PyObject *>(&self),
                                            exception, nullptr);
    }));
    if (!done && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) {
        PyErr_Clear();
        return true;
    }
    if (!done && PyErr_ExceptionMatches(PyExc_MemoryError) != 0) {
        PyErr_Clear();
        complain_of_memory(self.native);
    } else if (!done && PyErr_ExceptionMatches(PyExc_RecursionError) != 0) {
        PyErr_Clear(); // as deep as it came from: there is no room for a traceback
        say(log_level::error,
            "epy: %s ran out of stack, and returned its error value: does it call itself by way "
            "of the host?",
            self.native == nullptr ? "a callback" : self.native->label);
    } else if (!done) {
        run_python([&] { PyErr_WriteUnraisable(reporter); });
    }
    return done.get() == Py_True;
}

// To epy.call, if that called the host's function which called us, otherwise to the report.
void give_exception_away(callback &self, call_extras *callers) {
    if (callers == nullptr || !callers->recording) {
        report_exception(self);
        return;
    }
    ref exception = taken_exception();
    note_error(exception.get(), nullptr, self.native == nullptr ? "" : self.native->label, nullptr,
               nullptr);
    if (callers->first_exception) {
        ++callers->more_exceptions;
    } else {
        callers->first_exception = std::move(exception);
    }
}

} // namespace

void complain_of_memory(const call_record *native) noexcept {
    say(log_level::error, "epy: out of memory in %s; it returned its error value",
        native == nullptr ? "a callback" : native->label);
}

void report_exception(callback &self) noexcept {
    // When nothing of the call runs Python code any more, which would be interrupted in its place.
    if (report(self, taken_exception().get())) {
        PyErr_SetInterrupt();
    }
}

bool read_by_the_rules(callback &self, call_record &native, ref result, void *memory,
                       served &out) noexcept {
    out.jump = take_tail_call(*self.state, result.get());
    const auto keep = [&](ref &&object) {
        return run_python([&] {
            keep_for_host(self, native, std::move(object));
            return true;
        });
    };
    if (out.jump != nullptr) {
        if (keep(std::move(result))) {
            return true;
        }
        out.jump = nullptr;
        return false;
    }
    c_value value;
    value.memory = memory;
    if (!run_python([&] {
            return from_python(*self.state, self.types->result, result.get(), self.plugin, value);
        })) {
        return false;
    }
    if ((value.keep || self.returned != nullptr) && !keep(std::move(value.keep))) {
        return false;
    }
    out.bits = value.bits;
    return true;
}

namespace {

void restore(const ref &exception) noexcept {
    if (exception) {
        PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject *>(Py_TYPE(exception.get()))),
                      Py_NewRef(exception.get()), PyException_GetTraceback(exception.get()));
    }
}

// If an OSError is set that has a number, that is what the host shall see as errno.
void take_error_number() {
    if (PyErr_ExceptionMatches(PyExc_OSError) == 0) {
        return;
    }
    const ref exception = taken_exception();
    const ref number(run_python(
        [&] { return exception ? PyObject_GetAttrString(exception.get(), "errno") : nullptr; }));
    const long value = number && PyLong_Check(number.get()) ? PyLong_AsLong(number.get()) : 0;
    if (value > 0 && value <= INT_MAX) {
        extras_of_this_call().error_number = static_cast<int>(value);
    }
    PyErr_Clear();
    restore(exception);
}

} // namespace

served serve_error(callback &self, call_record &native, call_extras *callers,
                   void *memory) noexcept {
    served out = {native.head.error[0], nullptr};
    ref failure; // of the function that knows the value
    if (self.sets_errno) {
        run_python([] { take_error_number(); });
    }
    if (self.error_of != nullptr) {
        const ref exception = taken_exception();
        ref value(run_python([&] {
            return exception ? PyObject_CallOneArg(self.error_of, exception.get()) : nullptr;
        }));
        if (!value || !read_by_the_rules(self, native, std::move(value), memory, out)) {
            failure = taken_exception();
            out = {0, nullptr};
            if (memory != nullptr) {
                std::memset(memory, 0, self.types->result.form.size);
            }
        }
        restore(exception);
    }
    // Last, because Ctrl-C is passed on, which would strike what runs then.
    run_python([&] { give_exception_away(self, callers); });
    if (failure) {
        restore(failure);
        run_python([&] { give_exception_away(self, callers); });
    }
    return out;
}

} // namespace epy
