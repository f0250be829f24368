// The entry of callbacks whose values libffi decodes.
//
// void epy_closure_entry(...)          entered with %r11 = record
//
//   r10 = record->chain;               libffi's closure, in ordinary memory
//   jump to r10->tramp;                which finds it in %r10, the static chain register
//
// Argument registers are as the host set them.
#include "stub/layout.h"

        .text
        .balign 16
        .globl  epy_closure_entry
        .hidden epy_closure_entry
        .type   epy_closure_entry, @function
epy_closure_entry:
        .cfi_startproc
        endbr64
        mov     EPY_RECORD_SIZE(%r11), %r10
        jmp     *(%r10)
        .cfi_endproc
        .size   epy_closure_entry, . - epy_closure_entry

        .section .note.GNU-stack, "", %progbits
