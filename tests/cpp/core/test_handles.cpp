// The cells of handles: what C code may do with them without the GIL.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "loader/core/values/handles.h"

namespace epy {

namespace {

class Handles : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (Py_IsInitialized() == 0) {
            Py_InitializeEx(0);
        }
    }

    static std::uint64_t address(const handle_cell *cell) {
        return reinterpret_cast<std::uintptr_t>(cell);
    }

    handle_table table_;
    ref object_{PyList_New(0)};
};

TEST_F(Handles, CountTheReferencesOfTheHost) {
    handle_cell *cell = table_.give(object_.get(), nullptr);
    EXPECT_EQ(table_.give(object_.get(), nullptr), cell);
    EXPECT_EQ(cell->count, 2U);
    table_.release(*cell);
    EXPECT_EQ(table_.at(address(cell)), cell);
    table_.release(*cell);
    EXPECT_EQ(table_.at(address(cell)), nullptr);
    table_.release(*cell); // once too often
    EXPECT_EQ(cell->count, 0U);
    table_.collect();
    EXPECT_EQ(Py_REFCNT(object_.get()), 1);
}

TEST_F(Handles, LetTheObjectGoOnlyWhenSomebodyCollects) {
    handle_cell *cell = table_.give(object_.get(), nullptr);
    std::thread([&] { table_.release(*cell); }).join();
    EXPECT_EQ(Py_REFCNT(object_.get()), 2);
    table_.collect();
    EXPECT_EQ(Py_REFCNT(object_.get()), 1);
}

TEST_F(Handles, AnObjectWhoseHandleWasJustReleasedGetsAnother) {
    handle_cell *cell = table_.give(object_.get(), nullptr);
    table_.release(*cell);
    handle_cell *next = table_.give(object_.get(), nullptr);
    EXPECT_NE(next, cell);
    EXPECT_EQ(table_.of_object(object_.get()), next);
    EXPECT_EQ(Py_REFCNT(object_.get()), 2);
    table_.release(*next);
    table_.collect();
}

TEST_F(Handles, AreReleasedByManyThreadsAtOnce) {
    constexpr int count = 1000;
    constexpr int threads = 4;
    handle_cell *shared = table_.give(object_.get(), nullptr);
    for (int i = 1; i < threads * count; ++i) {
        table_.give(object_.get(), nullptr);
    }
    std::vector<ref> objects;
    std::vector<handle_cell *> cells;
    for (int i = 0; i < threads * count; ++i) {
        objects.emplace_back(PyList_New(0));
        cells.push_back(table_.give(objects.back().get(), nullptr));
    }
    std::vector<std::thread> workers;
    for (int k = 0; k < threads; ++k) {
        workers.emplace_back([&, k] {
            for (int i = 0; i < count; ++i) {
                table_.release(*shared);
                table_.release(*cells[static_cast<std::size_t>(k * count + i)]);
            }
        });
    }
    for (std::thread &worker : workers) {
        worker.join();
    }
    table_.collect();
    EXPECT_EQ(shared->count, 0U);
    EXPECT_EQ(Py_REFCNT(object_.get()), 1);
    for (const ref &object : objects) {
        EXPECT_EQ(Py_REFCNT(object.get()), 1);
    }
}

TEST_F(Handles, AreNoOtherAddress) {
    EXPECT_EQ(table_.at(1), nullptr); // there is no cell yet
    handle_cell *cell = table_.give(object_.get(), nullptr);
    for (const std::uint64_t wrong :
         {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX, address(cell) + 1,
          address(cell) + sizeof *cell, address(cell) - sizeof *cell}) {
        EXPECT_EQ(table_.at(wrong), nullptr) << wrong;
    }
    table_.release(*cell);
    table_.collect();
}

TEST_F(Handles, AreUsedAgainAfter4096Others) {
    handle_cell *first = table_.give(object_.get(), nullptr);
    table_.release(*first);
    for (int i = 0; i < 4096; ++i) {
        handle_cell *cell = table_.give(object_.get(), nullptr);
        ASSERT_NE(cell, first) << i;
        table_.release(*cell);
    }
    handle_cell *again = table_.give(object_.get(), nullptr);
    EXPECT_EQ(again, first);
    table_.release(*again);
    table_.collect();
}

TEST_F(Handles, AreDroppedWithTheirPlugin) {
    const ref other(PyList_New(0));
    const ref plugin(PyList_New(0));
    const ref held(PyList_New(0));
    handle_cell *gone = table_.give(object_.get(), plugin.get());
    handle_cell *stays = table_.give(other.get(), nullptr);
    EXPECT_TRUE(table_.drop(plugin.get(), held.get()));
    EXPECT_EQ(table_.at(address(gone)), nullptr);
    EXPECT_EQ(table_.at(address(stays)), stays);
    ASSERT_EQ(PyList_GET_SIZE(held.get()), 1);
    EXPECT_EQ(PyList_GET_ITEM(held.get(), 0), object_.get());
    EXPECT_EQ(Py_REFCNT(object_.get()), 2);
    table_.release(*stays);
    table_.collect();
}

} // namespace

} // namespace epy
