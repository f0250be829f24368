// A callback's C signature: what each argument is and where the call frame holds it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "loader/core/call/frame.h"
#include "loader/core/call/view.h"
#include "loader/core/py.h"
#include "loader/core/values/types.h"

namespace epy {

// What Python receives for a value.
enum class seen_as : std::uint8_t {
    plain,    // an object by ctypes' rules for callbacks
    instance, // one of a ctypes class
    object,   // that of a handle
    member,   // of a Python enum, what a dict has under the number
};

struct parameter {
    type code = type::none;
    seen_as seen = seen_as::plain;
    std::uint32_t offset = 0; // in the call frame, stack arguments included
    ref instance_of;          // the class, or the dict; empty for a plain value
    shape form;
    std::unique_ptr<const buffer_parameter> buffer; // of a Buffer

    [[nodiscard]] bool is_plain() const noexcept { return !instance_of && !buffer; }
    [[nodiscard]] PyTypeObject *cls() const noexcept {
        return reinterpret_cast<PyTypeObject *>(instance_of.get());
    }
};

struct signature {
    parameter result;
    std::vector<parameter> parameters;
    // Each value travels in one register or one word of the stack: the call frame is enough.
    bool fits_frame = true;

    // `codes`: the result's, then one per parameter, each a letter of types.def or the description
    // of an aggregate; `classes`: None, a ctypes class or a Buffer's (item type, index of the
    // count, writable) for each; null if all are plain. False with a Python exception if they are
    // no signature.
    [[nodiscard]] bool parse(const module_state &, const char *codes, PyObject *classes);
};

} // namespace epy
