// epy._core.Callback: a Python callable with a native address.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "loader/core/call/returned.h"
#include "loader/core/call/reuse.h"
#include "loader/core/call/signature.h"
#include "loader/core/state.h"

namespace epy {

struct callback;
class closure;
class sub_interpreter;

// The record that slots of stubs and of the pool point to. It outlives the callback: a host may
// hold the address of one that is gone, and a call may be on its way. Then `target` is null, and
// the error value is returned. Records of dropped callbacks are used again first in, first out,
// after 4,096 later drops: that is the promise about stale pointers, and no more.
struct call_record {
    record head;           // code, result class and error value
    void *chain = nullptr; // what libffi's entry takes in %r10, if that is the code
    ref kept;              // what the error value points into: stale calls return it too
    ref error; // a struct given as the error value, if it has pointers: keeps what they lead to
    ref last;  // returned by a callback that was dropped during the call
    // Whose callback it is or was: an address to compare.
    const PyObject *plugin = nullptr;
    // In which it is called, null for the main one: for good.
    sub_interpreter *const interpreter;
    // Guarded by the interpreter's GIL; atomic for those who cannot see that (thread sanitizers).
    std::atomic<callback *> target{nullptr};
    void *address = nullptr;              // the callback's own trampoline, once taken
    std::shared_ptr<closure> native_code; // libffi's, if that is the entry
    call_record *next = nullptr;          // dropped after it
    call_record *made_before = nullptr;   // all records, none of which is ever freed
    bool complained = false;              // a call after the end was reported
    bool removed = false;                 // the end was a reload, whose script does not define it
    char label[64] = "";                  // for that report

    explicit call_record(sub_interpreter *called_in) noexcept : interpreter(called_in) {}
};

// closure_entry_x86_64.S finds it there.
static_assert(offsetof(call_record, chain) == EPY_RECORD_SIZE);

struct callback {
    PyObject_HEAD PyObject *function;
    PyObject *label;    // str
    PyObject *plugin;   // NativePlugin or null
    PyObject *error_of; // callable: exception -> what the host gets; or null
    signature *types;
    argument_objects *objects;
    returned_values *returned; // made when first needed
    call_record *native;
    call_record *adopted; // further records that lead here, linked: of callbacks that it follows
    module_state *state;
    PyObject *weak_references;
    PyObject *attributes;          // that a script gives it
    unsigned calls_with_survivors; // calls that left a view behind, see view_end.cpp
    bool address_reported;
    bool sets_errno; // to that of an OSError that leaves it
};

extern PyType_Spec callback_spec;

// Keeps what the host may look at until this callback's next return on this thread; empty if there
// is nothing to look at.
void keep_for_host(callback &, call_record &, ref object);

// The plugin is unloaded, in this interpreter: records of its dropped callbacks let go what they
// still hold of it, which the vector gets.
void forget_dropped_callbacks(const module_state &, const PyObject *plugin, std::vector<ref> &held);

// Python is gone, with all its objects: no record refers to one any more. What error values lead to
// stays.
void forget_callbacks() noexcept;

// A callback as `Callback(function, codes, (None, ...), None, "export 'NAME'", plugin)` makes it. A
// new reference, or nothing with a Python exception.
ref new_export_of_plain_types(const module_state &, PyObject *function, const char *codes,
                              PyObject *name, PyObject *plugin);

// The record of a Callback, or null with TypeError for other objects.
call_record *record_of(const module_state &, PyObject *object);

} // namespace epy
