// What is raised where a value does not fit a type of a header. Inside it is Misfit, whose text, if
// any, says where in the value and why; `epy._misfits` makes of it what a script reads.
#pragma once

#include <initializer_list>

#include "header_types.h"

namespace epy {

// Raises Misfit with the text of PyErr_Format.
ref misfit(const header_types &, const char *format = "", ...);

// The same in place of the exception that is set, if it is one of these.
ref misfit_if(const header_types &, std::initializer_list<PyObject *> refusals);

// Sets the exception that a function of `epy._misfits` makes, of `reason` as its last argument.
void raise_misfit(const char *function, std::initializer_list<PyObject *> arguments, ref reason);

// Takes the exception that is set, as an object.
ref taken_exception();

} // namespace epy
