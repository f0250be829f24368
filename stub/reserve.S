// What a plugin has room for: trampolines, slots, tables, and the stub_info that describes them.
//
// The reserved tables lie in writable sections of their own. `seal` makes them the dynamic symbol
// tables of the file; the linker's own stay behind unused.
#include "stub/layout.h"

// long trampoline_i(...) { r11 = slots[i]; goto *r11->code; }   r11: the only register touched
        .section .epy.trampolines, "ax", %progbits
        .balign 64
epy_trampolines:
        .set    i, 0
        .rept   EPY_SLOT_CAPACITY
        endbr64
        mov     epy_slots + 8 * i(%rip), %r11
        jmp     *(%r11)
        .balign EPY_TRAMPOLINE_SIZE, 0xcc
        .set    i, i + 1
        .endr
        .org    epy_trampolines + EPY_TRAMPOLINE_SIZE * EPY_SLOT_CAPACITY

        .section .epy.slots, "aw", %nobits
        .balign 64
epy_slots:
        .zero   8 * EPY_SLOT_CAPACITY

        .section .epy.dynsym, "aw", %progbits
        .balign 64
        .zero   24 * (EPY_SLOT_CAPACITY + EPY_IMPORT_CAPACITY)

        .section .epy.dynstr, "aw", %progbits
        .balign 64
        .zero   EPY_STRING_CAPACITY

        .section .epy.hash, "aw", %progbits
        .balign 64
        .zero   4 * (2 + EPY_BUCKET_COUNT + EPY_SLOT_CAPACITY + EPY_IMPORT_CAPACITY)

        .section .epy.gnu.version, "aw", %progbits
        .balign 64
        .zero   2 * (EPY_SLOT_CAPACITY + EPY_IMPORT_CAPACITY)

        .section .epy.gnu.version_r, "aw", %progbits
        .balign 64
        .zero   16 + 16                 // one Elf64_Verneed and one Elf64_Vernaux

        .section .epy.gnu.version_d, "aw", %progbits
        .balign 64
        .zero   EPY_DEFINITION_CAPACITY

// The tail: the stamper replaces these and makes them as long as they need to be.
        .section .epy.rela.dyn, "aw", %progbits
        .balign 64
        .zero   24 * 64

        .section .epy.data, "aw", %progbits
        .balign 64
        .zero   64

        .section .epy.archive, "aw", %progbits
        .balign 64
        .zero   64

// struct stub_info (stub.h); zero here means: seal or the stamper fills it in.
        .section .epy.info, "aw", %progbits
        .balign 64
        .globl  epy_stub_info
        .hidden epy_stub_info
epy_stub_info:
        .asciz  "epy plugin stub"
        .long   3                       // contract
        .long   0                       // flags
        .quad   0                       // self
        .quad   epy_stub_resolver - epy_stub_info // resolver; seal makes it an address
        .long   EPY_SLOT_CAPACITY
        .long   0                       // slots_used
        .org    epy_stub_info + EPY_INFO_NEXT_FUNCTION
        .quad   epy_stub_next           // next_function
        .org    epy_stub_info + EPY_INFO_MODULE_INIT
        .long   epy_stub_module_init - epy_stub_info // module_init; seal makes it an address
        .org    epy_stub_info + EPY_INFO_SIZE

        .section .note.GNU-stack, "", %progbits
