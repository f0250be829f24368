// PyArg_VaParse does the work. Before it the format is read once: what stands for a PyObject *, and
// which of the places hold one afterwards, that becomes the host's reference.
#include <cstring>
#include <vector>

#include "loader/core/embed/attached.h"
#include "loader/core/embed/objects.h"
#include "loader/core/embed/values.h"

namespace epy::embed {

namespace {

class places_of {
public:
    // False with an exception if the format has what a host cannot give.
    bool read(const char *format, std::va_list places) {
        std::va_list rest;
        va_copy(rest, places);
        const bool is_sound = read_units(format, rest);
        va_end(rest);
        return is_sound;
    }
    // A host that asks for one value means the value itself, otherwise the items of a tuple.
    [[nodiscard]] bool is_one_value() const { return units_ == 1 && !has_options_; }

    void clear() {
        for (PyObject **place : objects_) {
            *place = nullptr;
        }
    }
    // False with an exception, and no place holds anything then.
    bool give(module_state &state) {
        std::vector<epy_object *> given;
        for (PyObject **place : objects_) {
            epy_object *one =
                *place == nullptr ? nullptr : given_to_host(state, ref::borrowed(*place));
            if (one == nullptr && *place != nullptr) {
                for (epy_object *other : given) {
                    release(other);
                }
                return false;
            }
            given.push_back(one);
        }
        for (std::size_t i = 0; i < given.size(); ++i) {
            *reinterpret_cast<epy_object **>(objects_[i]) = given[i];
        }
        return true;
    }

private:
    static bool refuse(const char *unit) {
        PyErr_Format(
            PyExc_SystemError,
            "the format for values has '%.2s', which is no unit, or needs Python's own header",
            unit);
        return false;
    }

    // Python ends the process for parentheses that it does not like.
    bool read_parenthesis(char which) {
        units_ += which == '(' && depth_ == 0 ? 1 : 0;
        depth_ += which == '(' ? 1 : -1;
        if (depth_ < 0 || depth_ > most_depth) {
            PyErr_SetString(PyExc_SystemError, depth_ < 0
                                                   ? "the format for values has a ')' too many"
                                                   : "the format for values is nested too deeply");
            return false;
        }
        return true;
    }

    bool read_units(const char *at, std::va_list rest) {
        for (; *at != '\0' && *at != ':' && *at != ';'; ++at) {
            if (*at == '(' || *at == ')') {
                if (!read_parenthesis(*at)) {
                    return false;
                }
                continue;
            }
            if (*at == '|' && depth_ == 0) {
                has_options_ = true;
                continue;
            }
            if (std::strchr("szybBhHiIlkLKnfdDcCpO", *at) == nullptr ||
                (at[1] != '\0' && std::strchr("*!&", at[1]) != nullptr)) {
                return refuse(at);
            }
            units_ += depth_ == 0 ? 1 : 0;
            if (!take_places(at, rest)) {
                return false;
            }
            at += at[1] == '#' ? 1 : 0;
        }
        if (depth_ != 0) {
            PyErr_SetString(PyExc_SystemError, "the format for values lacks a ')'");
        }
        return depth_ == 0;
    }

    bool take_places(const char *at, std::va_list rest) {
        void *place = va_arg(rest, void *);
        void *length = at[1] == '#' ? va_arg(rest, void *) : place;
        if (place == nullptr || length == nullptr) {
            PyErr_SetString(PyExc_ValueError, "a place for a value is NULL");
            return false;
        }
        if (*at == 'O') {
            objects_.push_back(static_cast<PyObject **>(place));
        }
        return true;
    }

    std::vector<PyObject **> objects_;
    static constexpr int most_depth = 29; // Python's

    int units_ = 0;
    int depth_ = 0;
    bool has_options_ = false;
};

// What a parenthesis takes apart becomes tuples, which stay while Python reads them: numbers are
// asked for by Python code, which may empty a list, and other sequences make their items anew.
// From `at`, which is left where the parenthesis or the format ends.
ref held(PyObject *value, const char *&at) {
    if (PyTuple_Check(value) == 0 && PyList_Check(value) == 0) {
        PyErr_Format(PyExc_TypeError, "expected a tuple or list for '(%.20s', got %.100s", at,
                     Py_TYPE(value)->tp_name);
        return {};
    }
    const ref items(PySequence_List(value));
    const Py_ssize_t size = items ? PyList_GET_SIZE(items.get()) : 0;
    for (Py_ssize_t i = 0; i < size && std::strchr(":;)", *at) == nullptr; ++at) {
        if (*at == '(') {
            ref inner = held(PyList_GET_ITEM(items.get(), i), ++at);
            if (!inner || PyList_SetItem(items.get(), i, inner.release()) != 0) {
                return {};
            }
        }
        i += *at == '|' || *at == '#' ? 0 : 1;
    }
    return ref(items ? PyList_AsTuple(items.get()) : nullptr);
}

bool parse_places(module_state &state, PyObject *value, const char *format, places_of &known,
                  std::va_list places) {
    known.clear();
    ref arguments;
    if (known.is_one_value()) {
        arguments = ref(PyTuple_Pack(1, value));
    } else if (PyTuple_Check(value)) {
        arguments = ref::borrowed(value);
    } else {
        PyErr_Format(PyExc_TypeError, "expected a tuple for '%s', got %.100s", format,
                     Py_TYPE(value)->tp_name);
    }
    if (arguments && std::strchr(format, '(') != nullptr) {
        const char *at = format;
        arguments = held(arguments.get(), at);
    }
    if (!arguments || PyArg_VaParse(arguments.get(), format, places) == 0 || !known.give(state)) {
        known.clear();
        return false;
    }
    return true;
}

} // namespace

bool parse(module_state &state, PyObject *value, const char *format, std::va_list places) {
    places_of known;
    return known.read(format, places) && parse_places(state, value, format, known, places);
}

namespace {

bool parse_list(module_state &state, PyObject *value, const char *format, ...) {
    std::va_list places;
    va_start(places, format);
    const bool done = parse(state, value, format, places);
    va_end(places);
    return done;
}

} // namespace

bool parse_into(module_state &state, PyObject *value, const char *format, void *place) {
    const bool is_one = std::strlen(format) == 1 && std::strchr("szy", *format) == nullptr;
    if (!is_one) {
        PyErr_SetString(PyExc_ValueError, "the result's format is one unit, and no text, which "
                                          "would die with the result: use epy_call and epy_parse");
        return false;
    }
    return parse_list(state, value, format, place);
}

} // namespace epy::embed
