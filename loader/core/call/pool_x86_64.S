// The pool's code page: like a plugin's trampolines, with the slots on the page behind.
#include "stub/layout.h"
#include "loader/core/call/pool_page.h"

        .text
        .balign EPY_POOL_PAGE
        .globl  epy_pool_page
        .hidden epy_pool_page
epy_pool_page:
        .set    i, 0
        .rept   EPY_POOL_PAGE / EPY_TRAMPOLINE_SIZE
        endbr64
        mov     epy_pool_page + EPY_POOL_PAGE + 8 * i(%rip), %r11
        jmp     *(%r11)
        .balign EPY_TRAMPOLINE_SIZE, 0xcc
        .set    i, i + 1
        .endr
        .org    epy_pool_page + EPY_POOL_PAGE

        .section .note.GNU-stack, "", %progbits
