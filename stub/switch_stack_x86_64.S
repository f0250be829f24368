// void epy_call_on_stack(void *top, void (*function)(void *), void *argument)
//
// Calls function(argument) on another stack, whose highest address is `top` (16-byte aligned). %rbp
// stays on the old one, so that unwinders and debuggers find their way back.
        .text
        .globl  epy_call_on_stack
        .hidden epy_call_on_stack
        .type   epy_call_on_stack, @function
epy_call_on_stack:
        .cfi_startproc
        endbr64
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        mov     %rdi, %rsp
        mov     %rdx, %rdi
        call    *%rsi
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        ret
        .cfi_endproc
        .size   epy_call_on_stack, . - epy_call_on_stack

        .section .note.GNU-stack, "", %progbits
