#include "loader/core/headers/host_call.h"

#include <cmath>
#include <cstring>
#include <string>

#include "loader/core/cpython.h"
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/given.h"
#include "loader/core/headers/misfits.h"
#include "loader/core/headers/plain_call.h"
#include "loader/core/headers/stored_parts.h"
#include "loader/core/headers/subclass.h"
#include "loader/core/headers/text.h"
#include "loader/core/host/kept_gil.h"
#include "loader/core/host/recording.h"
#include "loader/core/package.h"
#include "loader/core/thread/threads.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/core/values/handles.h"
#include "loader/core/values/items.h"

namespace epy {

namespace {

// The kind of a function; by value, if ctypes may pass a struct otherwise than C.
constexpr char fixed = ' ';
constexpr char variadic = '.';
constexpr char fixed_by_value = 's';
constexpr char variadic_by_value = 'S';

// Mostly the arguments that the script gave; a copy as soon as one has to be another object.
class arguments_for_ctypes {
public:
    explicit arguments_for_ctypes(PyObject *given) : given_(given) {}

    [[nodiscard]] Py_ssize_t size() const { return PyTuple_GET_SIZE(given_); }
    [[nodiscard]] PyObject *at(Py_ssize_t index) const { return PyTuple_GET_ITEM(given_, index); }
    [[nodiscard]] PyObject *all() const { return changed_ ? changed_.get() : given_; }

    // False with a Python exception.
    bool replace(Py_ssize_t index, ref value) {
        if (!value || value.get() == at(index)) {
            return static_cast<bool>(value);
        }
        if (!changed_) {
            changed_ = ref(PyTuple_New(size()));
            for (Py_ssize_t other = 0; changed_ && other < size(); ++other) {
                PyTuple_SET_ITEM(changed_.get(), other, Py_NewRef(at(other)));
            }
        }
        if (!changed_) {
            return false;
        }
        Py_DECREF(PyTuple_GET_ITEM(changed_.get(), index));
        PyTuple_SET_ITEM(changed_.get(), index, value.release());
        return true;
    }

private:
    PyObject *given_;
    ref changed_;
};

// Whether ctypes may have the value as it is: what nearly all are.
bool fits_as_it_is(const header_types &types, PyObject *value, char check) {
    switch (check) {
    case checks::by_ctypes:
    case checks::text:
    case checks::pointer:
        return true;
    case 'd':
    case 'g':
        return PyFloat_CheckExact(value);
    case '?':
        return PyBool_Check(value);
    case 'f':
        return false;
    case 'P':
        return value == Py_None || PyLong_Check(value) || PyBytes_Check(value) ||
               is_pointer(types, value) || is_array(types, value) || is_function(types, value) ||
               is_a(value, types.core->void_pointer) || is_object(*types.core, value);
    case 'Z':
        return value == Py_None || PyUnicode_Check(value);
    default:
        return PyLong_Check(value) && integer_fits(value, check);
    }
}

// Without a type of its own: integers take all 64 bits, so that the host may read any of their
// widths, and real numbers are doubles.
ref promoted(const header_types &types, PyObject *value) {
    if (PyLong_Check(value)) {
        const bool is_signed = integer_fits(value, 'q');
        if (!is_signed && !integer_fits(value, 'Q')) {
            return misfit("it has more than 64 bits");
        }
        const ref type = simple_class(types, is_signed ? "c_longlong" : "c_ulonglong");
        return type ? ref(PyObject_CallOneArg(type.get(), value)) : ref();
    }
    if (PyUnicode_Check(value)) {
        return ref(text_as_argument(types, value));
    }
    if (PyFloat_Check(value)) {
        const ref type = simple_class(types, "c_double");
        return type ? ref(PyObject_CallOneArg(type.get(), value)) : ref();
    }
    const char code = code_of(types, type_of_object(value));
    if (code != '\0' && std::strchr("fbBhH?c", code) != nullptr) { // which C never passes here
        ref number(PyObject_GetAttrString(value, "value"));
        if (number && PyBytes_Check(number.get())) {
            number = ref(PyLong_FromLong(*PyBytes_AS_STRING(number.get())));
        }
        return number ? promoted(types, number.get()) : ref();
    }
    return ref::borrowed(value);
}

// Whether it is `epy.out`, which no type takes.
bool is_out(PyObject *value) {
    const exception_set_aside aside;
    const ref kind = package::take_if_imported(package::out);
    return kind && PyObject_IsInstance(value, kind.get()) == 1;
}

bool has_out(PyObject *arguments) {
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(arguments); ++index) {
        if (is_out(PyTuple_GET_ITEM(arguments, index))) {
            return true;
        }
    }
    return false;
}

// A call that has been refused is made in another way if `epy.out` is the reason.
PyObject *refused(PyObject *function, PyObject *arguments) {
    if (!has_out(arguments)) {
        return nullptr;
    }
    PyErr_Clear();
    return package::call(package::call_with_out, {function, arguments}).release();
}

// False with a Python exception.
bool check(const header_types &types, PyObject *function, const char *checks, Py_ssize_t count,
           arguments_for_ctypes &arguments) {
    for (Py_ssize_t index = 0; index < arguments.size(); ++index) {
        PyObject *value = arguments.at(index);
        if (index < count && fits_as_it_is(types, value, checks[index])) {
            continue;
        }
        ref made;
        if (index < count) {
            const ref parameters(
                PyObject_GetAttrString(type_of_object(function), ctypes::argument_types));
            made = parameters ? stored(types, PyTuple_GET_ITEM(parameters.get(), index), value)
                              : ref();
        } else {
            made = promoted(types, value);
        }
        if (!arguments.replace(index, std::move(made))) {
            if (misfit_is_set() && !is_out(value)) {
                const ref number(PyLong_FromSsize_t(index));
                raise_misfit(package::argument_misfit, {function, number.get(), value},
                             taken_exception());
            }
            return false;
        }
    }
    return true;
}

// Of a struct or union, that may be incomplete: then no call has one.
bool is_by_value(const header_types &types, PyObject *ctype) {
    return ctype != Py_None && code_of(types, ctype) == '\0' &&
           PyObject_HasAttrString(ctype, ctypes::fields) != 0;
}

// In epy's words what ctypes has refused, if it has.
void explain_refusal(PyObject *function, PyObject *arguments) {
    ref refusal;
    {
        const exception_set_aside aside;
        const ref ctypes(PyImport_ImportModule("_ctypes"));
        refusal = ref(ctypes ? PyObject_GetAttrString(ctypes.get(), "ArgumentError") : nullptr);
    }
    if (refusal && PyErr_ExceptionMatches(refusal.get()) != 0) {
        raise_misfit(package::argument_refused, {function, arguments}, taken_exception());
    }
}

char check_of(const header_types &types, PyObject *ctype) {
    if (PyType_Check(ctype) == 0) { // ctypes says what is wrong with it
        return checks::by_ctypes;
    }
    if (ctype == types.bases->text_class) {
        return checks::text;
    }
    if (is_class_of(ctype, reinterpret_cast<PyObject *>(types.core->pointer)) &&
        PyObject_HasAttr(ctype, types.name.classes) != 0) {
        return checks::pointer;
    }
    const char code = converts_itself(types, ctype) ? '\0' : code_of(types, ctype);
    return code != '\0' && std::strchr("bBhHiIlLqQfdg?PZ", code) != nullptr ? code
                                                                            : checks::by_ctypes;
}

// Of its class itself. A subclass may call in another way: one that keeps the GIL (kept_gil.h).
ref own_checks(const header_types &types, PyObject *function) {
    return ref::borrowed(PyDict_GetItemWithError(
        cpython::dict_of_type(type_of_object(function)).get(), types.name.checks));
}

} // namespace

ref checks_of(const header_types &types, PyObject *result, PyObject *parameters, bool is_variadic,
              bool keeps_errno) {
    std::string text;
    bool by_value = is_by_value(types, result);
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(parameters); ++index) {
        PyObject *ctype = PyTuple_GET_ITEM(parameters, index);
        text += check_of(types, ctype);
        by_value = by_value || (text.back() == checks::by_ctypes && is_by_value(types, ctype));
    }
    const bool is_plain = !is_variadic && !by_value && checks::fit_registers(text);
    const char head[] = {is_variadic ? (by_value ? variadic_by_value : variadic)
                                     : (by_value ? fixed_by_value : fixed),
                         is_plain ? checks::of_result(types, result) : checks::by_ctypes,
                         keeps_errno ? checks::keeps_errno : checks::by_ctypes};
    text.insert(0, head, sizeof head);
    return ref(PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
}

PyObject *call_host(PyObject *function, PyObject *arguments, PyObject *named) {
    const header_types &types = headers_of(Py_TYPE(function));
    const ref own = own_checks(types, function);
    const ref checks =
        own ? ref::borrowed(own.get()) : attribute_of_class(function, types.name.checks);
    if (!checks) {
        return nullptr;
    }
    const char *const codes = PyBytes_AS_STRING(checks.get());
    const char *const text = codes + sizeof(checks::head);
    const Py_ssize_t count =
        PyBytes_GET_SIZE(checks.get()) - static_cast<Py_ssize_t>(sizeof(checks::head));
    arguments_for_ctypes converted(arguments);
    const char kind = codes[0];
    const bool is_variadic = kind == variadic || kind == variadic_by_value;
    const bool too_many = converted.size() > count && !is_variadic;
    if (converted.size() < count || too_many || (named != nullptr && PyDict_GET_SIZE(named) != 0)) {
        raise_misfit(package::argument_count,
                     {function, arguments, named == nullptr ? Py_None : named}, ref());
        return nullptr;
    }
    const bool by_value = kind == fixed_by_value || kind == variadic_by_value;
    if (by_value && !package::call(package::check_by_value, {function})) {
        return nullptr;
    }
    if (!keep_arguments(types, function, arguments)) {
        return nullptr;
    }
    if (own) {
        call_extras place;
        recording below(&place);
        if (ref result; call_plainly(types, function, codes, count, arguments, result)) {
            return below.outcome(std::move(result));
        }
    }
    if (!check(types, function, text, count, converted)) {
        return refused(function, arguments);
    }
    const host_call called(*types.core, function);
    if (called.function() == nullptr) {
        return nullptr;
    }
    recording below;
    ref result(types.core->function_pointer->tp_call(called.function(), converted.all(), nullptr));
    if (!result && has_out(arguments)) { // which ctypes has not passed on
        return refused(function, arguments);
    }
    if (!result) {
        explain_refusal(function, arguments);
    }
    return below.outcome(std::move(result));
}

} // namespace epy
