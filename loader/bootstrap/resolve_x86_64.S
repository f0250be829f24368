// Second stage of the first-call resolver: entered by a jump from the stub, in a library that stays.
#include "stub/registers.S.h"

EPY_RESOLVER epy_loader_resolver, epy_loader_resolve
EPY_ERROR_VALUE epy_loader_error_value

        .section .note.GNU-stack, "", %progbits
