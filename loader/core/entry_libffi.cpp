// Entries by libffi: for processors without an assembly entry, and to check the assembly against.
#include <ffi.h>

#include <vector>

#include "entry.h"
#include "serve.h"

namespace epy {

namespace {

// Lives as long as the record, which is for ever or until it is used again.
struct closure {
    ffi_closure *writable = nullptr;
    void *code = nullptr;
    ffi_cif cif{};
    std::vector<ffi_type *> parameters;

    ~closure() {
        if (writable != nullptr) {
            ffi_closure_free(writable);
        }
    }
};

ffi_type *ffi_type_of(type code) {
    if (code == type::none) {
        return &ffi_type_void;
    }
    if (code == type::single_precision) {
        return &ffi_type_float;
    }
    if (code == type::double_precision) {
        return &ffi_type_double;
    }
    switch (size_of(code)) {
    case 1:
        return code == type::signed_char || code == type::character ? &ffi_type_sint8
                                                                    : &ffi_type_uint8;
    case 2:
        return code == type::signed_short ? &ffi_type_sint16 : &ffi_type_uint16;
    case 4:
        return code == type::unsigned_int ? &ffi_type_uint32 : &ffi_type_sint32;
    default:
        return &ffi_type_pointer;
    }
}

// epy.tail_call: libffi's frames and this one, which keep nothing, are all that a longjmp crosses.
void call_instead(const tail_call &jump, ffi_type *result_type, void *result) {
    constexpr std::size_t most = EPY_FRAME_GENERAL_COUNT + EPY_FRAME_VECTOR_COUNT;
    ffi_type *types[most];
    void *values[most];
    unsigned count = 0;
    for (const parameter &one : jump.types->parameters) {
        types[count] = ffi_type_of(one.code);
        values[count] = &jump.values[count];
        ++count;
    }
    ffi_cif cif{};
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, count, result_type, types) == FFI_OK) {
        ffi_call(&cif, reinterpret_cast<void (*)()>(jump.target), result, values);
    }
}

void enter(ffi_cif *cif, void *result, void **values, void *argument) {
    const auto [bits, jump] =
        serve(*static_cast<call_record *>(argument), pointer_arguments{values});
    if (jump != nullptr) {
        call_instead(*jump, cif->rtype, result);
    } else if (cif->rtype != &ffi_type_void) {
        // libffi wants integers narrower than a register as a whole one.
        *static_cast<std::uint64_t *>(result) = bits;
    }
}

} // namespace

bool make_entry(call_record &native, const signature &types) {
    auto *made = new closure;
    for (const parameter &one : types.parameters) {
        made->parameters.push_back(ffi_type_of(one.code));
    }
    made->writable =
        static_cast<ffi_closure *>(ffi_closure_alloc(sizeof(ffi_closure), &made->code));
    if (made->writable == nullptr ||
        ffi_prep_cif(&made->cif, FFI_DEFAULT_ABI, static_cast<unsigned>(made->parameters.size()),
                     ffi_type_of(types.result.code), made->parameters.data()) != FFI_OK ||
        ffi_prep_closure_loc(made->writable, &made->cif, enter, &native, made->code) != FFI_OK) {
        delete made;
        PyErr_SetString(PyExc_MemoryError, "libffi has no closure for another callback");
        return false;
    }
    delete static_cast<closure *>(native.closure);
    native.closure = made;
    native.address = made->code;
    native.head.code = reinterpret_cast<void (*)()>(made->code);
    return true;
}

void *address_of(call_record &native) { return native.address; }

} // namespace epy
