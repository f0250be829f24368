// Assembly shared by the two stages of the first-call resolver and by whatever returns an error value.
//
// A host may call an export with any signature, which nobody on this path knows. So everything that
// can carry an argument survives: the general registers (%rax is the vector count of a variadic call,
// %r10 a static chain), and all vector and mask registers by xsavec, xsave or fxsave, whichever the CPU
// and the system offer (psABI x86-64, 3.2.3; Intel SDM vol. 1, ch. 13). Stack arguments stay where they
// are, because the path ends in a jump.
#include "stub/layout.h"

// struct jump { void (*code)(); const record *r11; } \function(const record *r11);
//
// \name:  entered by a jump, %r11 = record. Calls \function, restores, jumps to jump.code with
//         %r11 = jump.r11.
.macro EPY_RESOLVER name, function
        .text
        .balign 16
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
        push    %rbx
        .cfi_offset %rbx, -24
        sub     $120, %rsp
        and     $-64, %rsp              // xsave wants 64; the area below keeps it
        mov     %rsp, %rbx              // %rbx: saved general registers
        mov     %rax, 0(%rbx)
        mov     %rcx, 8(%rbx)
        mov     %rdx, 16(%rbx)
        mov     %rsi, 24(%rbx)
        mov     %rdi, 32(%rbx)
        mov     %r8, 40(%rbx)
        mov     %r9, 48(%rbx)
        mov     %r10, 56(%rbx)
        mov     %r11, 64(%rbx)
        cmpl    $0, epy_save_kind(%rip)
        jne     1f
        call    epy_detect_save_kind    // leaves vector registers alone
1:      mov     epy_save_size(%rip), %eax
        sub     %rax, %rsp
        mov     epy_save_mask(%rip), %eax
        xor     %edx, %edx
        mov     epy_save_kind(%rip), %ecx
        cmp     $EPY_SAVE_FXSAVE, %ecx
        je      3f
        mov     %rdx, 512(%rsp)         // the header must be clear where the CPU does not write it
        mov     %rdx, 520(%rsp)
        mov     %rdx, 528(%rsp)
        mov     %rdx, 536(%rsp)
        mov     %rdx, 544(%rsp)
        mov     %rdx, 552(%rsp)
        mov     %rdx, 560(%rsp)
        mov     %rdx, 568(%rsp)
        cmp     $EPY_SAVE_XSAVE, %ecx
        je      2f
        xsavec64 (%rsp)
        jmp     4f
2:      xsave64 (%rsp)
        jmp     4f
3:      fxsave64 (%rsp)
4:      mov     64(%rbx), %rdi
        cld
        call    \function
        mov     %rdx, 64(%rbx)          // the new %r11
        mov     %rax, 72(%rbx)          // where to go
        cmpl    $EPY_SAVE_FXSAVE, epy_save_kind(%rip)
        je      5f
        mov     epy_save_mask(%rip), %eax
        xor     %edx, %edx
        xrstor64 (%rsp)
        jmp     6f
5:      fxrstor64 (%rsp)
6:      mov     0(%rbx), %rax
        mov     8(%rbx), %rcx
        mov     16(%rbx), %rdx
        mov     24(%rbx), %rsi
        mov     32(%rbx), %rdi
        mov     40(%rbx), %r8
        mov     48(%rbx), %r9
        mov     56(%rbx), %r10
        mov     64(%rbx), %r11
        push    72(%rbx)                // the stack is ours: keep the target while %rbx goes back
        pop     -16(%rbp)
        mov     -8(%rbp), %rbx
        .cfi_restore %rbx
        mov     %rbp, %rsp
        pop     %rbp
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        jmp     *-24(%rsp)              // -16(%rbp) of the frame just left: in the red zone
        .cfi_endproc
        .size   \name, . - \name
.endm

// \name: entered by a jump, %r11 = record. Returns the record's error value as its result class asks.
.macro EPY_ERROR_VALUE name
        .text
        .balign 16
        .globl  \name
        .hidden \name
        .type   \name, @function
\name:
        .cfi_startproc
        endbr64
        movzbl  EPY_RECORD_RESULT(%r11), %eax
        cmp     $EPY_RESULT_MEMORY, %eax
        je      4f
        cmp     $EPY_RESULT_X87, %eax
        je      3f
        cmp     $EPY_RESULT_SSE_INT, %eax
        je      2f
        cmp     $EPY_RESULT_INT_SSE, %eax
        je      1f
        mov     EPY_RECORD_ERROR(%r11), %rax
        mov     EPY_RECORD_ERROR+8(%r11), %rdx
        movq    %rax, %xmm0
        movq    %rdx, %xmm1
        ret
1:      mov     EPY_RECORD_ERROR(%r11), %rax
        movq    EPY_RECORD_ERROR+8(%r11), %xmm0
        ret
2:      movq    EPY_RECORD_ERROR(%r11), %xmm0
        mov     EPY_RECORD_ERROR+8(%r11), %rax
        ret
3:      fldt    EPY_RECORD_ERROR(%r11)
        ret
4:      mov     %rdi, %rdx
        mov     EPY_RECORD_ERROR(%r11), %rsi
        mov     EPY_RECORD_ERROR_SIZE(%r11), %rcx
        cld
        test    %rsi, %rsi
        je      5f
        rep movsb
        jmp     6f
5:      xor     %eax, %eax
        rep stosb
6:      mov     %rdx, %rax
        ret
        .cfi_endproc
        .size   \name, . - \name
.endm
