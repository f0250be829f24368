// Argument objects that are used again.
//
// A callback that is called often gets new int and float objects each time and drops them at once.
// Each argument therefore keeps its object, and the next call writes its value into it, if nobody
// else kept a reference: then nobody can see the change. While a call of the callback runs
// (recursion, another thread), further calls make objects of their own. Ints from -5 to 256 are
// Python's own objects.
//
// This knows the ints of the CPython it is compiled for (cpython.h). Others, and a CPython whose
// ints turn out to be different, take the plain path, and say so at the level debug; so do all with
// the preset `unknown-python`, which tests it.
#pragma once

#include <cstdint>
#include <cstring>

#include "loader/core/call/signature.h"
#include "loader/core/cpython.h"

namespace epy {

#ifdef EPY_REUSE

// How the call path reads a result: integers of any size, those that are not negative, double,
// void. Everything else is `by_the_rules`.
enum class quick_result : std::uint8_t { integer, natural, real, nothing, by_the_rules };

inline quick_result quick_result_of(const parameter &result) {
    if (result.instance_of) {
        return quick_result::by_the_rules;
    }
    switch (result.code) {
    case type::signed_int:
    case type::signed_long:
    case type::signed_long_long:
        return quick_result::integer;
    case type::unsigned_int:
    case type::unsigned_long:
    case type::unsigned_long_long:
        return quick_result::natural;
    case type::double_precision:
        return quick_result::real;
    case type::none:
        return quick_result::nothing;
    default:
        return quick_result::by_the_rules;
    }
}

// The arguments of one callback, as the fast path sees them.
class argument_objects {
public:
    static constexpr std::size_t most = 16; // arguments; with more there is no use

    explicit argument_objects(const signature &types)
        : first_(new argument[types.parameters.size()]()), end_(first_ + types.parameters.size()),
          result_(layout_is_known ? quick_result_of(types.result) : quick_result::by_the_rules),
          busy_(!layout_is_known || types.parameters.size() > most) {
        argument *one = first_;
        for (const parameter &expected : types.parameters) {
            one->offset = expected.offset;
            one->code = expected.is_plain() ? expected.code : type::none;
            one->may_stay = expected.seen == seen_as::instance && expected.code == type::pointer;
            ++one;
        }
    }
    ~argument_objects() {
        for (const argument *one = first_; one != end_; ++one) {
            Py_XDECREF(one->object);
        }
        delete[] first_;
    }
    // For the collector: pointers refer to their class.
    int traverse(visitproc visit, void *arg) const {
        for (const argument *one = first_; one != end_; ++one) {
            if (one->may_stay) {
                Py_VISIT(one->object);
            }
        }
        return 0;
    }
    argument_objects(const argument_objects &) = delete;
    argument_objects &operator=(const argument_objects &) = delete;

    [[nodiscard]] quick_result result() const noexcept { return result_; }

    struct argument {
        PyObject *object = nullptr;
        std::uint32_t offset = 0; // in the call frame
        type code = type::none;   // none: of a kind that is not reused
        bool for_one_call = false;
        bool may_stay = false; // an instance that holds an address
        // Where a pointer has its address: the next call may use it if nobody keeps the object, or
        // has set anything on it.
        void **memory = nullptr;
    };

    // The right to use the objects, for one call at a time.
    class use {
    public:
        explicit use(argument_objects &all) noexcept : all_(all.busy_ ? nullptr : &all) {
            if (all_ != nullptr) [[likely]] {
                all_->busy_ = true;
            }
        }
        ~use() {
            if (all_ != nullptr) [[likely]] {
                all_->drop_kept();
                all_->busy_ = false;
            }
        }
        use(const use &) = delete;
        use &operator=(const use &) = delete;

        explicit operator bool() const noexcept { return all_ != nullptr; }
        [[nodiscard]] argument *begin() const noexcept { return all_->first_; }
        [[nodiscard]] argument *end() const noexcept { return all_->end_; }

    private:
        argument_objects *all_;
    };

    // A borrowed object for the argument, or null if this kind is not reused (no exception) or
    // memory is out (an exception).
    [[gnu::always_inline]] static PyObject *make(argument &one, const void *source) {
        if (one.code == type::signed_int) [[likely]] {
            return integer(one.object, load<std::int32_t>(source));
        }
        if (one.code == type::double_precision) [[likely]] {
            return floating(one.object, load<double>(source));
        }
        std::int64_t value = 0;
        switch (one.code) {
        case type::unsigned_int:
            value = load<std::uint32_t>(source);
            break;
        case type::signed_long:
        case type::signed_long_long:
            value = load<std::int64_t>(source);
            break;
        case type::pointer:
            if (load<std::uint64_t>(source) == 0) {
                return Py_None;
            }
            [[fallthrough]];
        case type::unsigned_long:
        case type::unsigned_long_long:
            value = load<std::int64_t>(source);
            if (value < 0) [[unlikely]] {
                return nullptr; // above the largest signed number
            }
            break;
        default:
            return nullptr;
        }
        return integer(one.object, value);
    }

    // A new reference for this call alone, for kinds that are not reused. With a second one it
    // looks like an object that somebody kept.
    static void keep(argument &one, PyObject *owned) noexcept {
        one.for_one_call = true;
        Py_INCREF(owned);
        Py_XSETREF(one.object, owned);
    }

    // The pointer of the last call, borrowed, with another address; null if there is none.
    static PyObject *point_again(argument &one, const void *source) noexcept {
        if (one.memory == nullptr || one.object == nullptr) {
            return nullptr;
        }
        one.for_one_call = true;
        std::memcpy(one.memory, source, sizeof *one.memory);
        Py_INCREF(one.object);
        return one.object;
    }

    // Looks whether Python's ints are what they should be, and takes its own objects for small
    // ones. Once per process, with the GIL. False with an exception.
    static bool prepare();
    // What came out.
    static bool is_known() noexcept { return layout_is_known; }

    // Writes a value that is none of these: the number is at least of three digits. Template for
    // the test that another layout is noticed.
    template <typename Ints = cpython::ints>
    [[gnu::always_inline]] static void write(PyLongObject *number, std::int64_t value) {
        static_assert(PyLong_SHIFT == 30);
        const std::uint64_t magnitude =
            value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
        Ints::digits_of(number)[0] = static_cast<digit>(magnitude & PyLong_MASK);
        Ints::set_size(
            number, magnitude <= PyLong_MASK ? 1 : write_rest(Ints::digits_of(number), magnitude),
            value < 0);
    }

private:
    static constexpr std::int64_t smallest = cpython::smallest_kept_int;
    static constexpr std::int64_t largest = cpython::largest_kept_int;
    static PyObject *small_ints[largest - smallest + 1];
    static bool layout_is_known;

    template <typename T> static T load(const void *source) {
        T value;
        std::memcpy(&value, source, sizeof value);
        return value;
    }

    [[gnu::always_inline]] static PyObject *integer(PyObject *&object, std::int64_t value) {
        const std::uint64_t place =
            static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(smallest);
        if (place <= largest - smallest) {
            return small_ints[place];
        }
        if (object == nullptr) [[unlikely]] {
            object = PyLong_FromLongLong(INT64_MAX); // room for every digit
            if (object == nullptr) {
                return nullptr;
            }
        }
        write(reinterpret_cast<PyLongObject *>(object), value);
        return object;
    }

    [[gnu::always_inline]] static PyObject *floating(PyObject *&object, double value) {
        if (object == nullptr) [[unlikely]] {
            return object = PyFloat_FromDouble(value);
        }
        reinterpret_cast<PyFloatObject *>(object)->ob_fval = value;
        return object;
    }

    // The number of digits.
    static Py_ssize_t write_rest(digit *digits, std::uint64_t magnitude) noexcept;

    // Keeps what can be written again: ints and floats that nobody else refers to.
    [[gnu::always_inline]] void drop_kept() noexcept {
        argument *const end = end_; // the compiler fears that it changes
        for (argument *one = first_; one != end; ++one) {
            PyObject *object = one->object;
            if (object != nullptr && Py_REFCNT(object) != 1) [[unlikely]] {
                if (one->may_stay && stays_pointer(*one)) {
                    continue;
                }
                one->object = nullptr;
                if (one->for_one_call) {
                    one->for_one_call = false;
                    Py_DECREF(object);
                }
                Py_DECREF(object);
            }
        }
    }

    // Gives up the call's reference to a pointer that the next call may use. False: it may not.
    static bool stays_pointer(argument &one) noexcept;

    argument *const first_;
    argument *const end_;
    const quick_result result_;
    bool busy_; // a call uses them, or no call may
};

// Gives up a reference to an int, not a subclass's, without asking its type how, as CPython's own
// arithmetic does.
[[gnu::always_inline]] inline void drop_int(PyObject *number) {
    if (Py_REFCNT(number) == 1) [[likely]] {
        PyObject_Free(number);
    } else {
        Py_DECREF(number);
    }
}

// The value of an int of one digit, which most results are, without a call. False for any other
// object.
[[gnu::always_inline]] inline bool read_short_int(PyObject *object, std::int64_t &value) {
    if (!PyLong_CheckExact(object)) {
        return false;
    }
    return cpython::ints::read_short(reinterpret_cast<const PyLongObject *>(object), value);
}

#else

class argument_objects {
public:
    explicit argument_objects(const signature &) {}
    int traverse(visitproc, void *) const { return 0; }
    static bool prepare();
    static bool is_known() noexcept { return false; }
};

#endif

} // namespace epy
