// Where a host's call enters the core. Reached by a jump from a trampoline, %r11 = the callback's record.
//
//   frame f = { rdi, rsi, rdx, rcx, r8, r9, xmm0 ... xmm7 };
//   void *next = epy_dispatch(record, &f);
//   if (!next) { rax = f.rax; xmm0 = f.xmm0; return; }
//   rdi ... xmm7 = f; take the frame down; jump to next;            (epy.tail_call)
//
// Which of the two registers holds the result depends on the signature; the other is scratch to the caller.
// There are three entries: epy_call_entry; epy_call_entry_general for functions without floating-point
// parameters, which leaves the vector registers' places in the frame as they are; and epy_call_entry_sub for
// callbacks of sub-interpreters, which is dispatched by epy_dispatch_sub.
#include "loader/core/call/frame.h"

        .macro  call_entry name, vector, dispatch
        .balign 64
        .globl  \name
        .hidden \name
        .type   \name, @function
\name:
        .cfi_startproc
        endbr64
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        sub     $EPY_FRAME_SIZE, %rsp
        mov     %rdi, EPY_FRAME_GENERAL+0(%rsp)
        mov     %rsi, EPY_FRAME_GENERAL+8(%rsp)
        mov     %rdx, EPY_FRAME_GENERAL+16(%rsp)
        mov     %rcx, EPY_FRAME_GENERAL+24(%rsp)
        mov     %r8, EPY_FRAME_GENERAL+32(%rsp)
        mov     %r9, EPY_FRAME_GENERAL+40(%rsp)
        .if     \vector
        movsd   %xmm0, EPY_FRAME_VECTOR+0(%rsp)
        movsd   %xmm1, EPY_FRAME_VECTOR+8(%rsp)
        movsd   %xmm2, EPY_FRAME_VECTOR+16(%rsp)
        movsd   %xmm3, EPY_FRAME_VECTOR+24(%rsp)
        movsd   %xmm4, EPY_FRAME_VECTOR+32(%rsp)
        movsd   %xmm5, EPY_FRAME_VECTOR+40(%rsp)
        movsd   %xmm6, EPY_FRAME_VECTOR+48(%rsp)
        movsd   %xmm7, EPY_FRAME_VECTOR+56(%rsp)
        .endif
        mov     %r11, %rdi
        mov     %rsp, %rsi
        call    \dispatch
        test    %rax, %rax
        jne     .Lleave_for_another
        mov     EPY_FRAME_RAX(%rsp), %rax
        movsd   EPY_FRAME_XMM0(%rsp), %xmm0
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        ret
        .cfi_endproc
        .size   \name, . - \name
        .endm

        .text
        call_entry epy_call_entry, 1, epy_dispatch
        call_entry epy_call_entry_general, 0, epy_dispatch
        call_entry epy_call_entry_sub, 1, epy_dispatch_sub

// The frame of one of the entries is still up.
        .type   leave_for_another, @function
leave_for_another:
.Lleave_for_another:
        .cfi_startproc
        .cfi_def_cfa %rbp, 16
        .cfi_offset %rbp, -16
        mov     %rax, %r11
        mov     EPY_FRAME_GENERAL+0(%rsp), %rdi
        mov     EPY_FRAME_GENERAL+8(%rsp), %rsi
        mov     EPY_FRAME_GENERAL+16(%rsp), %rdx
        mov     EPY_FRAME_GENERAL+24(%rsp), %rcx
        mov     EPY_FRAME_GENERAL+32(%rsp), %r8
        mov     EPY_FRAME_GENERAL+40(%rsp), %r9
        movsd   EPY_FRAME_VECTOR+0(%rsp), %xmm0
        movsd   EPY_FRAME_VECTOR+8(%rsp), %xmm1
        movsd   EPY_FRAME_VECTOR+16(%rsp), %xmm2
        movsd   EPY_FRAME_VECTOR+24(%rsp), %xmm3
        movsd   EPY_FRAME_VECTOR+32(%rsp), %xmm4
        movsd   EPY_FRAME_VECTOR+40(%rsp), %xmm5
        movsd   EPY_FRAME_VECTOR+48(%rsp), %xmm6
        movsd   EPY_FRAME_VECTOR+56(%rsp), %xmm7
        mov     $8, %eax                // vector registers, should it be variadic
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        jmp     *%r11
        .cfi_endproc
        .size   leave_for_another, . - leave_for_another

        .section .note.GNU-stack, "", %progbits
