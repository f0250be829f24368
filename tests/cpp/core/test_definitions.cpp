// The core's side of tests/definitions.txt: what a plugin stores of a header is well formed, and
// its parts have these names.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "loader/core/headers/kind.h"
#include "loader/core/headers/well_formed.h"

namespace epy {

namespace {

#define EPY_PART(name)                                                                             \
    { #name, name }

const std::map<std::string, PyObject *(*)(PyObject *)> parts = {
    EPY_PART(word),
    EPY_PART(pointer_target),
    EPY_PART(array_element),
    EPY_PART(array_length),
    EPY_PART(function_result),
    EPY_PART(function_parameters),
    EPY_PART(function_is_variadic),
    EPY_PART(alias_name),
    EPY_PART(tag_key),
    EPY_PART(aligned_type),
    EPY_PART(aligned_alignment),
    EPY_PART(impossible_reason),
    EPY_PART(impossible_size),
    EPY_PART(declared_type),
    EPY_PART(declared_symbol),
    EPY_PART(constant_value),
    EPY_PART(macro_expression),
    EPY_PART(macro_parameters),
    EPY_PART(unusable_reason),
    EPY_PART(unusable_sort),
    EPY_PART(layout_name),
    EPY_PART(layout_size),
    EPY_PART(layout_is_packed),
    EPY_PART(layout_fields),
    EPY_PART(layout_anonymous),
    EPY_PART(layout_bits),
    EPY_PART(layout_members),
    EPY_PART(layout_obstacle),
    EPY_PART(field_name),
    EPY_PART(field_type),
    EPY_PART(bits_offset),
    EPY_PART(bits_shift),
    EPY_PART(bits_width),
    EPY_PART(bits_is_signed),
    EPY_PART(enum_integer),
    EPY_PART(enum_members),
    EPY_PART(member_name),
    EPY_PART(member_value),
};

#undef EPY_PART

struct line {
    std::string stored;
    std::string parts; // "PATH = VALUE; ..."
};

std::vector<std::string> split(const std::string &text, const std::string &mark) {
    std::vector<std::string> found;
    std::size_t start = 0;
    for (std::size_t end = 0; end != std::string::npos; start = end + mark.size()) {
        end = text.find(mark, start);
        found.push_back(text.substr(start, end - start));
    }
    return found;
}

std::vector<line> read_lines() {
    std::ifstream file(EPY_DEFINITIONS);
    std::vector<line> lines;
    for (std::string text; std::getline(file, text);) {
        if (text.empty() || text == "#" || text.starts_with("# ")) {
            continue;
        }
        const std::vector<std::string> columns = split(text, " | ");
        if (columns.size() != 4) {
            ADD_FAILURE() << text;
            continue;
        }
        lines.push_back({columns[2], columns[3]});
    }
    return lines;
}

class DefinitionFile : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (Py_IsInitialized() == 0) {
            Py_InitializeEx(0);
        }
    }

    static ref evaluated(const std::string &text) {
        const ref names(PyDict_New());
        ref value(PyRun_String(text.c_str(), Py_eval_input, names.get(), names.get()));
        if (!value) {
            PyErr_Print();
            ADD_FAILURE() << text;
        }
        return value;
    }

    // Where a path leads; null if it names no part.
    static PyObject *at(PyObject *whole, const std::string &path) {
        for (const std::string &step : split(path, ".")) {
            if (std::isdigit(static_cast<unsigned char>(step[0])) != 0) {
                whole = PyTuple_GetItem(whole, std::stol(step));
            } else {
                const auto found = parts.find(step);
                whole = found == parts.end() ? nullptr : found->second(whole);
            }
            if (whole == nullptr) {
                break;
            }
        }
        return whole;
    }
};

TEST_F(DefinitionFile, EachIsWellFormed) {
    for (const line &it : read_lines()) {
        EXPECT_TRUE(is_well_formed_definition(evaluated(it.stored).get())) << it.stored;
    }
}

TEST_F(DefinitionFile, PartsHaveNames) {
    for (const line &it : read_lines()) {
        const ref stored = evaluated(it.stored);
        for (const std::string &text : split(it.parts, "; ")) {
            const std::vector<std::string> both = split(text, " = ");
            ASSERT_EQ(both.size(), 2) << text;
            PyObject *found = at(stored.get(), both[0]);
            ASSERT_NE(found, nullptr) << text;
            EXPECT_EQ(PyObject_RichCompareBool(found, evaluated(both[1]).get(), Py_EQ), 1) << text;
        }
    }
}

TEST_F(DefinitionFile, OpaqueIsWhatIsOnlyDeclared) {
    const auto opaque = [](const char *text) { return is_opaque(evaluated(text).get()); };
    EXPECT_TRUE(opaque("('?', 'why', 'opaque')"));
    EXPECT_TRUE(opaque("('?', 'of a plugin of before')"));
    EXPECT_FALSE(opaque("('?', 'has no definition in this header', '')"));
    EXPECT_FALSE(opaque("('struct', 'x', 0, False, (), (), (), (), '')"));
}

} // namespace

} // namespace epy
