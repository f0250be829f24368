// Calls of the host's functions that take and give numbers, addresses and text alone: without
// ctypes, which makes an object of each argument. What has anything else about it is left to
// ctypes: this never raises for an argument, it only does not make the call.
#pragma once

#include <string>

#include "loader/core/headers/header_types.h"

namespace epy {

// How the arguments of a function are checked, as bytes: `head`, then for each parameter the code
// of its simple type, `text` or `pointer` for those that header make, '-' for what ctypes checks.
namespace checks {

struct head {
    char kind;         // see host_call.cpp
    char result;       // of its simple type, or `no_result`; '-' if every call is ctypes'
    char error_number; // whether errno is kept, as ctypes does with use_errno
};
inline constexpr char by_ctypes = '-';
inline constexpr char no_result = 'v';
inline constexpr char text = 't';
inline constexpr char pointer = '*';
inline constexpr char keeps_errno = 'e';

// Whether the registers of a call are enough.
bool fit_registers(const std::string &parameters);
// Of what a function returns.
char of_result(const header_types &, PyObject *ctype);

} // namespace checks

// Whether the call was made; then `result` is empty if an exception is set. `codes` are those of
// `count` parameters, as many as there are arguments. The GIL is left as the host's call found it.
bool call_plainly(const header_types &, PyObject *function, const char *codes, Py_ssize_t count,
                  PyObject *arguments, ref &result);

} // namespace epy
