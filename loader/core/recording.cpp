#include "recording.h"

#include <utility>

#include "scope.h"

namespace epy {

namespace {

// Whatever the outer epy.call of the same callback has recorded waits meanwhile.
class recording {
public:
    recording() : made_(running.extras == nullptr), extras_(extras_of_this_call()) { exchange(); }
    ~recording() {
        exchange();
        if (made_ && running.extras == &extras_ && extras_.views == nullptr) {
            delete std::exchange(running.extras, nullptr);
        }
    }
    recording(const recording &) = delete;
    recording &operator=(const recording &) = delete;

    [[nodiscard]] call_extras &extras() const noexcept { return extras_; }

private:
    void exchange() {
        std::swap(extras_.recording, recording_);
        std::swap(extras_.first_exception, first_);
        std::swap(extras_.more_exceptions, more_);
    }

    const bool made_;
    call_extras &extras_;
    bool recording_ = true;
    ref first_;
    Py_ssize_t more_ = 0;
};

// Raises what was recorded, around what the call itself has raised.
void raise_again(ref exception, Py_ssize_t more, PyObject *result) {
    PyObject *kind = nullptr;
    PyObject *own = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&kind, &own, &traceback);
    PyErr_NormalizeException(&kind, &own, &traceback);
    if (own != nullptr && own != exception.get()) {
        PyException_SetContext(exception.get(), Py_NewRef(own));
    }
    if (more > 0) {
        const ref noted(
            PyObject_CallMethod(exception.get(), "add_note", "N",
                                PyUnicode_FromFormat("%zd more exception%s of callbacks followed",
                                                     more, more == 1 ? "" : "s")));
    }
    PyObject_SetAttrString(exception.get(), "epy_result", result == nullptr ? Py_None : result);
    PyErr_Clear(); // an exception that takes neither is still the one to raise
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception.get())), exception.get());
    Py_XDECREF(kind);
    Py_XDECREF(own);
    Py_XDECREF(traceback);
}

} // namespace

PyObject *call_recording(PyObject *, PyObject *const *arguments, Py_ssize_t count,
                         PyObject *names) {
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "epy.call takes a function, then its arguments");
        return nullptr;
    }
    const recording now;
    ref result(PyObject_Vectorcall(arguments[0], arguments + 1, static_cast<std::size_t>(count - 1),
                                   names));
    call_extras &extras = now.extras();
    if (!extras.first_exception) {
        return result.release();
    }
    raise_again(std::move(extras.first_exception), extras.more_exceptions, result.get());
    return nullptr;
}

} // namespace epy
