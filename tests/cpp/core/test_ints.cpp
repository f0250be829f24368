// What the fast path of a call believes of Python's ints is tried before it is believed.
#include <gtest/gtest.h>

#include "loader/core/call/known_ints.h"

namespace epy {

#ifdef EPY_REUSE

namespace {

class Ints : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (Py_IsInitialized() == 0) {
            Py_InitializeEx(0);
        }
    }
};

// The tag or the size says something else.
struct other_sizes : cpython::ints {
    static void set_size(PyLongObject *number, Py_ssize_t count, bool negative) noexcept {
        cpython::ints::set_size(number, count + 1, negative);
    }
};

struct other_digits : cpython::ints {
    static digit *digits_of(PyLongObject *number) noexcept {
        return cpython::ints::digits_of(number) + 1;
    }
};

struct other_signs : cpython::ints {
    static bool read_short(const PyLongObject *number, std::int64_t &value) noexcept {
        const bool is_short = cpython::ints::read_short(number, value);
        value = value < 0 ? -value : value;
        return is_short;
    }
};

TEST_F(Ints, AreAsTheCoreKnowsThem) { EXPECT_EQ(are_ints_laid_out_by<cpython::ints>(), 1); }

TEST_F(Ints, OfAnotherLayoutAreNoticed) {
    EXPECT_EQ(are_ints_laid_out_by<other_sizes>(), 0);
    EXPECT_EQ(are_ints_laid_out_by<other_digits>(), 0);
    EXPECT_EQ(are_ints_laid_out_by<other_signs>(), 0);
}

} // namespace

#endif

} // namespace epy
