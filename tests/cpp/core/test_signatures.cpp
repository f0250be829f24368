// The core's side of tests/signatures.txt, and how structs travel.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "loader/core/call/convert.h"

extern "C" PyObject *PyInit__core();

namespace epy {

namespace {

// The classes and values of structs, which the file writes as descriptions and tuples.
constexpr char helper[] = R"(
from ctypes import *
from ctypes import _SimpleCData

SIMPLE = {c._type_: c for c in vars(__import__("ctypes")).values()
          if isinstance(c, type) and issubclass(c, _SimpleCData) and hasattr(c, "_type_")}
classes = {}

def class_of(description):
    if description not in classes:
        members = description.strip("{}").split(";")[1:]
        fields = [(f"m{member[1:]}", SIMPLE[member[0]]) for member in members]
        classes[description] = type("Struct", (Structure,), {"_fields_": fields})
    return classes[description]

def value_of(instance):
    return tuple(getattr(instance, name) for name, _ in instance._fields_)

def same(value, expected):
    if isinstance(value, Structure):
        value = value_of(value)
    return type(value) is type(expected) and repr(value) == repr(expected)
)";

using bytes = std::vector<unsigned char>;

struct line {
    std::string signature;
    std::vector<std::string> arguments; // hexadecimal
    std::string received;
    std::string returned;
    std::string result;
};

std::vector<line> read_lines() {
    std::ifstream file(EPY_SIGNATURES);
    std::vector<line> lines;
    for (std::string text; std::getline(file, text);) {
        if (text.empty() || text[0] == '#') {
            continue;
        }
        std::vector<std::string> parts;
        for (std::size_t start = 0; start <= text.size();) {
            const std::size_t end = std::min(text.find('|', start), text.size());
            const std::string part = text.substr(start, end - start);
            const std::size_t first = part.find_first_not_of(' ');
            parts.push_back(first == std::string::npos
                                ? ""
                                : part.substr(first, part.find_last_not_of(' ') - first + 1));
            start = end + 1;
        }
        if (parts.size() != 5) {
            ADD_FAILURE() << text;
            continue;
        }
        std::istringstream words(parts[1]);
        lines.push_back({parts[0],
                         {std::istream_iterator<std::string>(words), {}},
                         parts[2],
                         parts[3],
                         parts[4]});
    }
    return lines;
}

bytes unhex(const std::string &text) {
    bytes found;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        found.push_back(static_cast<unsigned char>(std::stoul(text.substr(i, 2), nullptr, 16)));
    }
    return found;
}

std::string hex(const void *data, std::size_t size) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        const unsigned char byte = static_cast<const unsigned char *>(data)[i];
        text += {digits[byte >> 4U], digits[byte & 15U]};
    }
    return text;
}

bool has_base(const PyTypeObject *type, const std::string &name) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
        if (name == reinterpret_cast<PyTypeObject *>(PyTuple_GET_ITEM(type->tp_mro, i))->tp_name) {
            return true;
        }
    }
    return false;
}

class SignatureFile : public testing::Test {
protected:
    static void SetUpTestSuite() {
        PyImport_AppendInittab("_core", PyInit__core);
        setenv("PYTHONPATH", EPY_PACKAGES, 1); // for the classes of epy's errors
        Py_InitializeEx(0);
        names = PyDict_New();
        ASSERT_TRUE(run(helper, Py_file_input));
        module = PyImport_ImportModule("_core");
        ASSERT_NE(module, nullptr);
    }

    static ref run(const std::string &text, int start) {
        ref result(PyRun_String(text.c_str(), start, names, names));
        if (!result) {
            PyErr_Print();
        }
        return result;
    }

    // None or a class for each code.
    static ref classes_of(const std::string &codes) {
        std::string text = "(";
        for (std::size_t i = 0; i < codes.size(); ++i) {
            if (codes[i] == '{') {
                const std::size_t end = codes.find('}', i);
                text += "class_of('" + codes.substr(i, end - i + 1) + "'), ";
                i = end;
            } else {
                text += "None, ";
            }
        }
        return run(text + ")", Py_eval_input);
    }

    static bool same(PyObject *value, PyObject *expected) {
        const ref answer(
            PyObject_CallFunction(PyDict_GetItemString(names, "same"), "OO", value, expected));
        return answer.get() == Py_True;
    }

    static void check_arguments(const signature &types, const line &wanted) {
        const ref received = run(wanted.received, Py_eval_input);
        ASSERT_TRUE(received);
        ASSERT_EQ(wanted.arguments.size(), types.parameters.size());
        ASSERT_EQ(PyTuple_Size(received.get()), std::ssize(types.parameters));
        for (std::size_t i = 0; i < types.parameters.size(); ++i) {
            const std::string &text = wanted.arguments[i];
            const bool is_pointer = text[0] == '*';
            const bytes data = unhex(is_pointer ? text.substr(1) : text);
            const void *pointer = data.data();
            const ref value(to_python(state(), types.parameters[i],
                                      is_pointer ? static_cast<const void *>(&pointer) : pointer));
            PyObject *expected = PyTuple_GetItem(received.get(), static_cast<Py_ssize_t>(i));
            EXPECT_TRUE(value && same(value.get(), expected)) << "argument " << i;
            if (!is_pointer) {
                EXPECT_EQ(data.size(), types.parameters[i].form.size);
            }
        }
    }

    static void check_result(const signature &types, const line &wanted) {
        ref value = run(wanted.returned, Py_eval_input);
        ASSERT_TRUE(value);
        if (types.result.code == type::aggregate && PyTuple_Check(value.get())) {
            value = ref(PyObject_Call(types.result.instance_of.get(), value.get(), nullptr));
        }
        std::array<unsigned char, 64> memory{};
        c_value out;
        if (types.result.form.size > sizeof out.bits) {
            out.memory = memory.data();
        }
        if (!from_python(state(), types.result, value.get(), nullptr, out)) {
            const ref kind = ref::borrowed(PyErr_Occurred());
            PyErr_Clear();
            // epy's own errors are builtins too.
            EXPECT_TRUE(has_base(reinterpret_cast<PyTypeObject *>(kind.get()), wanted.result))
                << PyExceptionClass_Name(kind.get()) << " is no " << wanted.result;
        } else if (wanted.result[0] == '*') {
            const std::string text = wanted.result.substr(1);
            EXPECT_EQ(text, hex(reinterpret_cast<const void *>(out.bits), text.size() / 2));
        } else {
            EXPECT_EQ(wanted.result, hex(out.bytes(), types.result.form.size));
        }
    }

    static PyObject *names;
    static module_state &state() { return state_of(module); }

    static PyObject *module;
};

PyObject *SignatureFile::names;
PyObject *SignatureFile::module;

TEST_F(SignatureFile, EveryLineHolds) {
    for (const line &wanted : read_lines()) {
        SCOPED_TRACE(wanted.signature + " | " + wanted.received + " | " + wanted.returned);
        const ref classes = classes_of(wanted.signature);
        signature types;
        ASSERT_TRUE(classes && types.parse(state(), wanted.signature.c_str(), classes.get()));
        check_arguments(types, wanted);
        check_result(types, wanted);
    }
}

TEST_F(SignatureFile, HasEveryRowOfTypes) {
    std::set<char> used;
    for (const line &one : read_lines()) {
        used.insert(one.signature.begin(), one.signature.end());
    }
#define EPY_TYPE(code, name, c_type, eightbytes)                                                   \
    EXPECT_TRUE(type::name == type::object || type::name == type::further ||                       \
                is_handle(type::name) || used.contains(code))                                      \
        << #name;
#include "loader/core/values/types.def"
}

TEST_F(SignatureFile, WhatIsNoSignatureIsAnError) {
    for (const char *text : {"", "x", "iv", ".i", "{", "{8}", "{0,1}", "{8,4;i}", "{8,4;i6}",
                             "{8,4;x0}", "{8,4;i0", "{8,4;d-8}", "{99999999999,8}"}) {
        const ref classes(PyTuple_Pack(2, Py_None, Py_None));
        signature types;
        EXPECT_FALSE(types.parse(state(), text, classes.get())) << text;
        EXPECT_TRUE(PyErr_ExceptionMatches(PyExc_ValueError)) << text;
        PyErr_Clear();
    }
}

TEST_F(SignatureFile, OnlyIntegersHaveMembers) {
    const ref members(PyDict_New());
    const ref classes(PyTuple_Pack(2, Py_None, members.get()));
    for (const char *text : {"vd", "vP", "vz", "v?", "v{8,4;i0}"}) {
        signature types;
        EXPECT_FALSE(types.parse(state(), text, classes.get())) << text;
        EXPECT_TRUE(PyErr_ExceptionMatches(PyExc_ValueError)) << text;
        PyErr_Clear();
    }
    signature types;
    EXPECT_TRUE(types.parse(state(), "vi", classes.get()));
}

// "is" is an integer register, then a vector register; "m" memory, "x" the x87 stack.
std::string travels(const char *description) {
    shape found;
    if (parse_aggregate(description, found) != std::string(description).size()) {
        return "no description";
    }
    std::string text;
    for (const eightbyte part : found.parts) {
        text += std::string("-isx_m")[static_cast<std::size_t>(part)];
    }
    return text.substr(0, text.find_last_not_of("-_") + 1);
}

TEST(Aggregate, TravelsAsThePsAbiSays) {
    EXPECT_EQ(travels("{1,1;c0}"), "i");
    EXPECT_EQ(travels("{8,4;i0;f4}"), "i"); // an integer wins
    EXPECT_EQ(travels("{8,4;f0;f4}"), "s");
    EXPECT_EQ(travels("{12,4;f0;f4;f8}"), "ss");
    EXPECT_EQ(travels("{16,8;i0;d8}"), "is");
    EXPECT_EQ(travels("{16,8;d0;P8}"), "si");
    EXPECT_EQ(travels("{16,8;l0;l8}"), "ii");
    EXPECT_EQ(travels("{17,1}"), "m");      // too large
    EXPECT_EQ(travels("{5,1;c0;i1}"), "m"); // not aligned
    EXPECT_EQ(travels("{5,1;i0;c4}"), "i"); // packed, but aligned
    EXPECT_EQ(travels("{8,8;d0;l0}"), "i"); // unions
    EXPECT_EQ(travels("{16,8;d0;f8;i0}"), "is");
    EXPECT_EQ(travels("{16,16;g0}"), "x");
    EXPECT_EQ(travels("{16,16;g0;d0}"), "m");
    EXPECT_EQ(travels("{16,16;g0;i0}"), "m"); // half a long double
    EXPECT_EQ(travels("{16,16;g0;l0;l8}"), "ii");
}

} // namespace

} // namespace epy
