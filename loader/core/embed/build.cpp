// One unit of a format after the other goes to Py_BuildValue. CPython's own Py_VaBuildValue takes
// them all at once, but its O is a PyObject *, which no host of epy.h has.
#include <cstring>
#include <string>
#include <vector>

#include "loader/core/embed/attached.h"
#include "loader/core/embed/objects.h"
#include "loader/core/embed/values.h"

namespace epy::embed {

namespace {

class builder {
public:
    builder(module_state &state, const char *format, std::va_list arguments)
        : state_(state), at_(format == nullptr ? "" : format) {
        va_copy(arguments_, arguments);
    }
    ~builder() { va_end(arguments_); }
    builder(const builder &) = delete;
    builder &operator=(const builder &) = delete;

    // Up to `close`: a list of what was made. After an error the rest is still read, for what it
    // steals.
    ref items(char close) {
        ref made(PyList_New(0));
        fail_without(made);
        for (char unit = next(); unit != close; unit = next()) {
            if (unit == '\0' || std::strchr(")]}", unit) != nullptr) {
                raise("unmatched bracket");
                is_over_ = true;
                return {};
            }
            ++at_;
            const ref one = item(unit);
            if (is_over_) {
                return {};
            }
            fail_without(one);
            if (!has_failed() && PyList_Append(made.get(), one.get()) != 0) {
                fail_without(ref());
            }
        }
        if (close != '\0') {
            ++at_;
        }
        if (has_failed()) {
            return {};
        }
        return made;
    }

    // Raises the first error, if there was one.
    void restore() {
        if (failure_) {
            PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(failure_.get())), failure_.get());
        }
    }

private:
    [[nodiscard]] bool has_failed() const { return static_cast<bool>(failure_); }

    void fail_without(const ref &made) {
        if (made || PyErr_Occurred() == nullptr) {
            return;
        }
        ref exception = taken_exception();
        if (!failure_) {
            failure_ = std::move(exception);
        }
    }

    void raise(const char *what) {
        PyErr_Format(PyExc_SystemError, "%s in the format of values, at '%s'", what, at_);
        fail_without(ref());
    }

    char next() {
        at_ += std::strspn(at_, " ,:\t");
        return *at_;
    }

    ref item(char unit) {
        switch (unit) {
        case '(': {
            const ref all = items(')');
            return all ? ref(PyList_AsTuple(all.get())) : ref();
        }
        case '[':
            return items(']');
        case '{':
            return dict(items('}'));
        default:
            return leaf(unit);
        }
    }

    static ref dict(const ref &all) {
        if (!all) {
            return {};
        }
        const Py_ssize_t size = PyList_GET_SIZE(all.get());
        if (size % 2 != 0) {
            PyErr_SetString(PyExc_SystemError, "a dict in the format has a key without a value");
            return {};
        }
        ref made(PyDict_New());
        for (Py_ssize_t i = 0; made && i < size; i += 2) {
            if (PyDict_SetItem(made.get(), PyList_GET_ITEM(all.get(), i),
                               PyList_GET_ITEM(all.get(), i + 1)) != 0) {
                return {};
            }
        }
        return made;
    }

    template <typename T> ref number(char unit) {
        const char format[] = {unit, '\0'};
        const T value = va_arg(arguments_, T);
        return has_failed() ? ref() : ref(Py_BuildValue(format, value));
    }

    template <typename T> ref text(char unit) {
        const T *begin = va_arg(arguments_, const T *);
        if (*at_ != '#') {
            const char format[] = {unit, '\0'};
            return has_failed() ? ref() : ref(Py_BuildValue(format, begin));
        }
        ++at_;
        const auto size = va_arg(arguments_, Py_ssize_t);
        const char format[] = {unit, '#', '\0'};
        return has_failed() ? ref() : ref(Py_BuildValue(format, begin, size));
    }

    ref object(bool is_stolen) {
        epy_object *given = va_arg(arguments_, epy_object *);
        ref found;
        if (!has_failed()) {
            found = given == nullptr ? ref::borrowed(Py_None) : object_at(state_, given);
        }
        if (is_stolen) {
            release(given);
        }
        return found;
    }

    ref leaf(char unit) {
        switch (unit) {
        case 'b':
        case 'B':
        case 'h':
        case 'H':
        case 'i':
        case 'c':
        case 'C':
            return number<int>(unit);
        case 'I':
            return number<unsigned>(unit);
        case 'l':
        case 'k':
            return number<long>(unit);
        case 'L':
        case 'K':
            return number<long long>(unit);
        case 'n':
            return number<Py_ssize_t>(unit);
        case 'f':
        case 'd':
            return number<double>(unit);
        case 'D':
            return number<Py_complex *>(unit);
        case 'p': {
            const int truth = va_arg(arguments_, int);
            return ref(PyBool_FromLong(truth));
        }
        case 'P': {
            void *address = va_arg(arguments_, void *);
            return has_failed() ? ref() : ref(PyLong_FromVoidPtr(address));
        }
        case 's':
        case 'y':
        case 'z':
            return text<char>(unit);
        case 'u':
            return text<wchar_t>(unit);
        case 'O':
            return object(false);
        case 'N':
            return object(true);
        default:
            --at_;
            raise("unknown unit");
            is_over_ = true; // whose size nobody knows
            return {};
        }
    }

    module_state &state_;
    const char *at_;
    std::va_list arguments_;
    ref failure_;
    bool is_over_ = false;
};

} // namespace

ref build(module_state &state, const char *format, std::va_list arguments) {
    builder maker(state, format, arguments);
    const ref all = maker.items('\0');
    if (!all) {
        maker.restore();
        return {};
    }
    const Py_ssize_t size = PyList_GET_SIZE(all.get());
    if (size == 1) {
        return ref::borrowed(PyList_GET_ITEM(all.get(), 0));
    }
    return size == 0 ? ref::borrowed(Py_None) : ref(PyList_AsTuple(all.get()));
}

ref build_arguments(module_state &state, const char *format, std::va_list arguments) {
    builder maker(state, format, arguments);
    const ref all = maker.items('\0');
    if (!all) {
        maker.restore();
        return {};
    }
    if (PyList_GET_SIZE(all.get()) == 1 && PyTuple_Check(PyList_GET_ITEM(all.get(), 0))) {
        return ref::borrowed(PyList_GET_ITEM(all.get(), 0));
    }
    return ref(PyList_AsTuple(all.get()));
}

} // namespace epy::embed
