// What ctypes calls in place of a function of the host's while another interpreter's state waits for it.
//
//   target = epy_begin_host_call();    the host's function; its call's state is current
//   result = target(the same arguments);
//   epy_end_host_call();               ours is again
//
// libffi calls it (ffi_call_unix64), which has the stack arguments between %rsp and %rbp.
        .set    general, 0              // rdi, rsi, rdx, rcx, r8, r9, r10, rax
        .set    vector, 64              // xmm0 to xmm7
        .set    x87, 192                // 108 bytes: a long double comes back in %st
        .set    size, 304

        .text
        .balign 16
        .globl  epy_call_as_found
        .hidden epy_call_as_found
        .type   epy_call_as_found, @function
epy_call_as_found:
        .cfi_startproc
        endbr64
        lea     -8(%rbp), %r11
        sub     %rsp, %r11              // bytes of stack arguments
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        push    %rbx
        .cfi_offset %rbx, -24
        push    %r12
        .cfi_offset %r12, -32
        sub     $size, %rsp
        mov     %rsp, %rbx
        mov     %r11, %r12
        mov     %rdi, general+0(%rbx)
        mov     %rsi, general+8(%rbx)
        mov     %rdx, general+16(%rbx)
        mov     %rcx, general+24(%rbx)
        mov     %r8, general+32(%rbx)
        mov     %r9, general+40(%rbx)
        mov     %r10, general+48(%rbx)
        mov     %rax, general+56(%rbx)
        movaps  %xmm0, vector+0(%rbx)
        movaps  %xmm1, vector+16(%rbx)
        movaps  %xmm2, vector+32(%rbx)
        movaps  %xmm3, vector+48(%rbx)
        movaps  %xmm4, vector+64(%rbx)
        movaps  %xmm5, vector+80(%rbx)
        movaps  %xmm6, vector+96(%rbx)
        movaps  %xmm7, vector+112(%rbx)
        call    epy_begin_host_call
        mov     %rax, %r11
        lea     15(%r12), %rcx
        and     $-16, %rcx
        sub     %rcx, %rsp
        mov     %r12, %rcx
        shr     $3, %rcx
        lea     16(%rbp), %rsi
        mov     %rsp, %rdi
        rep movsq
        mov     general+0(%rbx), %rdi
        mov     general+8(%rbx), %rsi
        mov     general+16(%rbx), %rdx
        mov     general+24(%rbx), %rcx
        mov     general+32(%rbx), %r8
        mov     general+40(%rbx), %r9
        mov     general+48(%rbx), %r10
        mov     general+56(%rbx), %rax
        movaps  vector+0(%rbx), %xmm0
        movaps  vector+16(%rbx), %xmm1
        movaps  vector+32(%rbx), %xmm2
        movaps  vector+48(%rbx), %xmm3
        movaps  vector+64(%rbx), %xmm4
        movaps  vector+80(%rbx), %xmm5
        movaps  vector+96(%rbx), %xmm6
        movaps  vector+112(%rbx), %xmm7
        call    *%r11
        mov     %rbx, %rsp
        mov     %rax, general+0(%rbx)
        mov     %rdx, general+8(%rbx)
        movaps  %xmm0, vector+0(%rbx)
        movaps  %xmm1, vector+16(%rbx)
        fnsave  x87(%rbx)               // and empties it, as functions want it
        call    epy_end_host_call
        frstor  x87(%rbx)
        mov     general+0(%rbx), %rax
        mov     general+8(%rbx), %rdx
        movaps  vector+0(%rbx), %xmm0
        movaps  vector+16(%rbx), %xmm1
        lea     -16(%rbp), %rsp
        pop     %r12
        .cfi_restore %r12
        pop     %rbx
        .cfi_restore %rbx
        pop     %rbp
        .cfi_restore %rbp
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_endproc
        .size   epy_call_as_found, . - epy_call_as_found

        .section .note.GNU-stack, "", %progbits
