// Argument objects that are used again.
//
// A callback that is called often gets new int and float objects each time and drops them at once.
// Each argument therefore keeps its object, and the next call writes its value into it, if nobody
// else kept a reference: then nobody can see the change. While a call of the callback runs
// (recursion, another thread), further calls make objects of their own. Ints from -5 to 256 are
// Python's own objects.
//
// This knows the layout of int objects of the CPython it is compiled for. Others take the plain
// path.
#pragma once

#include <cstdint>
#include <cstring>

#include "py.h"
#include "types.h"

namespace epy {

#if PY_VERSION_HEX < 0x030e0000 && !defined(Py_GIL_DISABLED)
#define EPY_REUSE

class argument_objects {
public:
    explicit argument_objects(std::size_t count)
        : objects_(new PyObject *[count]()), count_(count) {}
    ~argument_objects() {
        for (std::size_t i = 0; i < count_; ++i) {
            Py_XDECREF(objects_[i]);
        }
        delete[] objects_;
    }
    argument_objects(const argument_objects &) = delete;
    argument_objects &operator=(const argument_objects &) = delete;

    // The right to use the objects, for one call at a time.
    class use {
    public:
        explicit use(argument_objects &all) noexcept : all_(all.busy_ ? nullptr : &all) {
            if (all_ != nullptr) {
                all_->busy_ = true;
            }
        }
        ~use() {
            if (all_ != nullptr) {
                if (all_->others_) {
                    all_->drop_others();
                }
                all_->drop_kept();
                all_->busy_ = false;
            }
        }
        use(const use &) = delete;
        use &operator=(const use &) = delete;

        explicit operator bool() const noexcept { return all_ != nullptr; }

        // A borrowed object for argument i, or null if this kind is not reused (no exception) or
        // memory is out (an exception).
        [[gnu::always_inline]] PyObject *make(std::size_t i, type code, const void *source) {
            PyObject *&object = all_->objects_[i];
            switch (code) {
            case type::signed_int:
                return integer(object, load<std::int32_t>(source));
            case type::unsigned_int:
                return integer(object, load<std::uint32_t>(source));
            case type::signed_long:
            case type::signed_long_long:
                return integer(object, load<std::int64_t>(source));
            case type::unsigned_long:
            case type::unsigned_long_long: {
                const auto value = load<std::uint64_t>(source);
                return value <= INT64_MAX ? integer(object, static_cast<std::int64_t>(value))
                                          : nullptr;
            }
            case type::pointer: {
                const auto value = load<std::uint64_t>(source);
                if (value == 0) {
                    return Py_None;
                }
                return value <= INT64_MAX ? integer(object, static_cast<std::int64_t>(value))
                                          : nullptr;
            }
            case type::double_precision:
                return floating(object, load<double>(source));
            default:
                return nullptr;
            }
        }

        // A new reference for this call alone, for kinds that are not reused.
        void keep(std::size_t i, PyObject *owned) noexcept {
            all_->others_ = true;
            Py_XSETREF(all_->objects_[i], owned);
        }

    private:
        template <typename T> static T load(const void *source) {
            T value;
            std::memcpy(&value, source, sizeof value);
            return value;
        }

        argument_objects *all_;
    };

    // Python's own objects for small ints. Once per process, with the GIL.
    static bool prepare();

private:
    static constexpr std::int64_t smallest = -5;
    static constexpr std::int64_t largest = 256;
    static PyObject *small_ints[largest - smallest + 1];

    [[gnu::always_inline]] static PyObject *integer(PyObject *&object, std::int64_t value) {
        if (value >= smallest && value <= largest) {
            return small_ints[value - smallest];
        }
        if (object == nullptr) {
            object = PyLong_FromLongLong(INT64_MAX); // room for every digit
            if (object == nullptr) {
                return nullptr;
            }
        }
        write(reinterpret_cast<PyLongObject *>(object), value);
        return object;
    }

    [[gnu::always_inline]] static PyObject *floating(PyObject *&object, double value) {
        if (object == nullptr) {
            return object = PyFloat_FromDouble(value);
        }
        reinterpret_cast<PyFloatObject *>(object)->ob_fval = value;
        return object;
    }

    [[gnu::always_inline]] static void write(PyLongObject *number, std::int64_t value) {
        static_assert(PyLong_SHIFT == 30);
        const std::uint64_t magnitude =
            value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
#if PY_VERSION_HEX >= 0x030c0000
        digit *digits = number->long_value.ob_digit;
#else
        digit *digits = number->ob_digit;
#endif
        Py_ssize_t count = 1;
        digits[0] = static_cast<digit>(magnitude & PyLong_MASK);
        if (magnitude > PyLong_MASK) [[unlikely]] {
            digits[1] = static_cast<digit>(magnitude >> PyLong_SHIFT & PyLong_MASK);
            count = 2;
            if (magnitude >> 2 * PyLong_SHIFT != 0) {
                digits[2] = static_cast<digit>(magnitude >> 2 * PyLong_SHIFT);
                count = 3;
            }
        }
#if PY_VERSION_HEX >= 0x030c0000
        number->long_value.lv_tag =
            static_cast<std::uintptr_t>(count) << 3U | (value < 0 ? 2U : 0U);
#else
        Py_SET_SIZE(number, value < 0 ? -count : count);
#endif
    }

    // Keeps what can be written again: objects of exact types that nobody else refers to.
    void drop_kept() noexcept {
        PyObject **const end = objects_ + count_;
        for (PyObject **one = objects_; one != end; ++one) {
            PyObject *object = *one;
            if (object != nullptr && Py_REFCNT(object) != 1) [[unlikely]] {
                *one = nullptr;
                Py_DECREF(object);
            }
        }
    }

    void drop_others() noexcept {
        others_ = false;
        for (std::size_t i = 0; i < count_; ++i) {
            PyObject *object = objects_[i];
            if (object != nullptr && !PyLong_CheckExact(object) && !PyFloat_CheckExact(object)) {
                objects_[i] = nullptr;
                Py_DECREF(object);
            }
        }
    }

    PyObject **objects_;
    std::size_t count_;
    bool busy_ = false;
    bool others_ = false; // objects that are for one call alone
};

// The value of an int of one digit, which most results are, without a call. False for any other
// object.
[[gnu::always_inline]] inline bool read_short_int(PyObject *object, std::int64_t &value) {
    if (!PyLong_CheckExact(object)) {
        return false;
    }
    const auto *number = reinterpret_cast<const PyLongObject *>(object);
#if PY_VERSION_HEX >= 0x030c0000
    if (number->long_value.lv_tag >= 2U << 3U) {
        return false;
    }
    const auto sign =
        static_cast<std::int64_t>(1 - static_cast<std::int64_t>(number->long_value.lv_tag & 3U));
    value = sign * static_cast<std::int64_t>(number->long_value.ob_digit[0]);
#else
    const Py_ssize_t size = Py_SIZE(number);
    if (size < -1 || size > 1) {
        return false;
    }
    value = size * static_cast<std::int64_t>(number->ob_digit[0]);
#endif
    return true;
}

#else

class argument_objects {
public:
    explicit argument_objects(std::size_t) {}
    static bool prepare() { return true; }
};

#endif

} // namespace epy
