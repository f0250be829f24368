// Offsets and sizes that assembly shares with C++. Preprocessor only: stub.h asserts each of them.
#ifndef EPY_STUB_LAYOUT_H
#define EPY_STUB_LAYOUT_H

#define EPY_SLOT_CAPACITY 1024       // exports of one plugin, callbacks without a name included
#define EPY_TRAMPOLINE_SIZE 16       // bytes; endbr64, mov slot(%rip),%r11, jmp *(%r11)
#define EPY_STRING_CAPACITY 53248    // bytes for the names of all exports
#define EPY_IMPORT_CAPACITY 64       // undefined symbols of the stub, the null symbol included
#define EPY_BUCKET_COUNT 1021        // of the SysV hash: a prime near the slot capacity
#define EPY_DEFINITION_CAPACITY 1024 // bytes for symbol version definitions (DT_VERDEF)

#define EPY_RECORD_CODE 0
#define EPY_RECORD_OWNER 8
#define EPY_RECORD_INDEX 16
#define EPY_RECORD_RESULT 20
#define EPY_RECORD_ERROR 24
#define EPY_RECORD_ERROR_SIZE 40
#define EPY_RECORD_SIZE 48

#define EPY_RESULT_REGISTERS 0 // error[0] in %rax and %xmm0, error[1] in %rdx and %xmm1
#define EPY_RESULT_INT_SSE 1   // error[0] in %rax, error[1] in %xmm0
#define EPY_RESULT_SSE_INT 2   // error[0] in %xmm0, error[1] in %rax
#define EPY_RESULT_X87 3       // error[0..1] hold 80 bits for %st(0)
#define EPY_RESULT_MEMORY 4    // error_size bytes from error[0] at (%rdi), %rdi in %rax; 0: zeros

#define EPY_INFO_NEXT_FUNCTION 240
#define EPY_INFO_MODULE_INIT 300
#define EPY_INFO_SIZE 320

// How the resolver keeps vector registers.
#define EPY_SAVE_FXSAVE 1
#define EPY_SAVE_XSAVE 2
#define EPY_SAVE_XSAVEC 3

#endif
