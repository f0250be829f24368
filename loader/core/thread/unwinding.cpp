// The personality routine of C++, which an unwinder asks of each frame what it has to do there, as
// the frames of the core have it: the linker leads them here (--wrap=__gxx_personality_v0). Forced
// unwinding ends with the first of them, before any destructor has run.
//
// Itanium C++ ABI: Exception Handling, 1.3 (forced unwinding) and 2.5.2 (personality routines).
#include "loader/core/thread/unwinding.h"

#include <unwind.h>

extern "C" {

_Unwind_Reason_Code
epy_usual_personality(int version, _Unwind_Action actions, _Unwind_Exception_Class kind,
                      _Unwind_Exception *exception,
                      _Unwind_Context *context) asm("__real___gxx_personality_v0");

_Unwind_Reason_Code epy_personality(int version, _Unwind_Action actions,
                                    _Unwind_Exception_Class kind, _Unwind_Exception *exception,
                                    _Unwind_Context *context) asm("__wrap___gxx_personality_v0");

_Unwind_Reason_Code epy_personality(int version, _Unwind_Action actions,
                                    _Unwind_Exception_Class kind, _Unwind_Exception *exception,
                                    _Unwind_Context *context) {
    if ((static_cast<unsigned>(actions) & _UA_FORCE_UNWIND) != 0) {
        epy::left_by_unwinding();
    }
    return epy_usual_personality(version, actions, kind, exception, context);
}

} // extern "C"
