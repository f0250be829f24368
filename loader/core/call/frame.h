// The frame that call_entry_x86_64.S builds, shared with C++. Preprocessor first: assembly reads it
// too.
#ifndef EPY_CORE_FRAME_H
#define EPY_CORE_FRAME_H

#define EPY_FRAME_GENERAL 0 // rdi, rsi, rdx, rcx, r8, r9
#define EPY_FRAME_GENERAL_COUNT 6
#define EPY_FRAME_VECTOR 48 // low 8 bytes of xmm0 to xmm7
#define EPY_FRAME_VECTOR_COUNT 8
#define EPY_FRAME_RAX 112
#define EPY_FRAME_XMM0 120
#define EPY_FRAME_SIZE 128
// Behind the frame: the saved %rbp, the return address, then the caller's stack arguments.
#define EPY_FRAME_STACK (EPY_FRAME_SIZE + 16)

#ifndef __ASSEMBLER__
#include <cstddef>
#include <cstdint>

namespace epy {

struct frame {
    std::uint64_t general[EPY_FRAME_GENERAL_COUNT];
    std::uint64_t vector[EPY_FRAME_VECTOR_COUNT];
    std::uint64_t rax;
    std::uint64_t xmm0;
};

static_assert(offsetof(frame, general) == EPY_FRAME_GENERAL);
static_assert(offsetof(frame, vector) == EPY_FRAME_VECTOR);
static_assert(offsetof(frame, rax) == EPY_FRAME_RAX);
static_assert(offsetof(frame, xmm0) == EPY_FRAME_XMM0);
static_assert(sizeof(frame) == EPY_FRAME_SIZE);

} // namespace epy
#endif

#endif
