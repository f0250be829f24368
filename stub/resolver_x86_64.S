// First stage of the first-call resolver: what every record in a plugin's file leads to.
#include "stub/registers.S.h"

EPY_RESOLVER epy_stub_resolver, epy_stub_resolve
EPY_ERROR_VALUE epy_stub_error_value

        .section .note.GNU-stack, "", %progbits
