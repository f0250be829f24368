// What a call gives the host: the function's result by the rules of its type, or for an exception
// what was declared as the error value.
#pragma once

#include "loader/core/call/scope.h"
#include "loader/core/call/serve.h"

namespace epy {

// One line on stderr: there is no memory for a report either.
void complain_of_memory(const call_record *) noexcept;

// Hands the exception that is set to epy.error_hook.
void report_exception(callback &) noexcept;

// Converts a result; `memory` is where one of more than a register goes. False with a Python
// exception.
bool read_by_the_rules(callback &, call_record &, ref result, void *memory, served &out) noexcept;

// An exception, which is set, has left the callback: gives it away, and the host its value.
// `callers` is of the call below which the callback runs.
served serve_error(callback &, call_record &, call_extras *callers, void *memory) noexcept;

} // namespace epy
