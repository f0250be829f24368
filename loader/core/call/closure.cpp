// libffi as it serves languages whose functions carry an environment ("Go closures"): its entry
// finds the closure in the static chain register, so a closure is ordinary memory, and nothing that
// can be executed is ever written. The code that sets the register is closure_entry_x86_64.S, the
// address that a host gets is a trampoline of the pool or of a plugin, as for any other callback.
#include "loader/core/call/closure.h"

#include <ffi.h>

#include <cstring>
#include <vector>

#include "loader/core/call/serve.h"

extern "C" [[gnu::visibility("hidden")]] void epy_closure_entry();

namespace epy {

namespace {

// libffi knows structs of scalars that follow each other, but no unions, bit-fields or packed
// structs. So it is told of another struct that travels alike: of the same size and alignment, with
// a member for each eightbyte. What holds `too_large` travels in memory.
class passed_struct {
public:
    explicit passed_struct(const shape &form) {
        type_.size = form.size;
        type_.alignment = static_cast<unsigned short>(form.alignment);
        type_.type = FFI_TYPE_STRUCT;
        type_.elements = elements_;
        for (std::size_t i = 0; i < 2; ++i) {
            elements_[i] = member(form.parts[i]);
        }
    }
    ~passed_struct() = default;
    passed_struct(const passed_struct &) = delete;
    passed_struct &operator=(const passed_struct &) = delete;

    ffi_type *get() { return &type_; }

private:
    static ffi_type *member(eightbyte part) {
        static ffi_type *nothing[] = {nullptr};
        static ffi_type too_large = {64, 1, FFI_TYPE_STRUCT, nothing};
        switch (part) {
        case eightbyte::integer:
            return &ffi_type_uint64;
        case eightbyte::sse:
            return &ffi_type_double;
        case eightbyte::memory:
        case eightbyte::x87: // as an argument
            return &too_large;
        default:
            return nullptr;
        }
    }

    ffi_type type_{};
    ffi_type *elements_[3] = {};
};

ffi_type *scalar(const parameter &one) {
    switch (one.form.size) {
    case 0:
        return &ffi_type_void;
    case 1:
        return one.code == type::signed_char || one.code == type::character ? &ffi_type_sint8
                                                                            : &ffi_type_uint8;
    case 2:
        return one.code == type::signed_short ? &ffi_type_sint16 : &ffi_type_uint16;
    case 4:
        return one.code == type::unsigned_int ? &ffi_type_uint32 : &ffi_type_sint32;
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
        // Each is one register.
        const bool is_vector = one.form.parts[0] == eightbyte::sse;
        types[count] = is_vector ? &ffi_type_double : &ffi_type_uint64;
        values[count] = &jump.values[count];
        ++count;
    }
    ffi_cif cif{};
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, count, result_type, types) == FFI_OK) {
        ffi_call(&cif, reinterpret_cast<void (*)()>(jump.target), result, values);
    }
}

} // namespace

// Lives as long as the record, which is for ever or until it is used again.
class closure : ffi_go_closure {
public:
    closure(call_record &native, const signature &types)
        : ffi_go_closure{}, native_(native), result_size_(types.result.form.size) {
        in_place_ = is_struct(types.result) || types.result.code == type::extended_precision;
        for (const parameter &one : types.parameters) {
            parameters_.push_back(type_of(one));
        }
        // libffi returns a struct of a long double as it never travels.
        result_ = types.result.form.returned() == result_class::x87 ? &ffi_type_longdouble
                                                                    : type_of(types.result);
    }
    ~closure() = default;
    closure(const closure &) = delete;
    closure &operator=(const closure &) = delete;

    // False if libffi does not know how to pass these types.
    bool prepare() {
        return ffi_prep_cif(&cif_, FFI_DEFAULT_ABI, static_cast<unsigned>(parameters_.size()),
                            result_, parameters_.data()) == FFI_OK &&
               ffi_prep_go_closure(
                   this, &cif_, native_.interpreter == nullptr ? enter<serve> : enter<serve_sub>) ==
                   FFI_OK;
    }

    // What the static chain register holds when libffi's entry runs.
    [[nodiscard]] void *chain() { return static_cast<ffi_go_closure *>(this); }

private:
    static bool is_struct(const parameter &one) {
        return one.code == type::aggregate || one.code == type::single_complex ||
               one.code == type::double_complex;
    }

    ffi_type *type_of(const parameter &one) {
        if (is_struct(one)) {
            return structs_.emplace_back(std::make_unique<passed_struct>(one.form))->get();
        }
        if (one.code == type::extended_precision) {
            return &ffi_type_longdouble;
        }
        if (one.form.parts[0] == eightbyte::sse) {
            return one.form.size == sizeof(float) ? &ffi_type_float : &ffi_type_double;
        }
        return scalar(one);
    }

    template <served (*serve)(call_record &, pointer_arguments) noexcept>
    static void enter(ffi_cif *cif, void *result, void **values, void *chain) {
        const auto &self = *static_cast<closure *>(static_cast<ffi_go_closure *>(chain));
        call_record &native = self.native_;
        const bool in_place = self.in_place_;
        if (in_place) {
            self.write_error(native.head, result);
        }
        const auto [bits, jump] =
            serve(native, pointer_arguments{in_place ? result : nullptr, values});
        if (jump != nullptr) {
            call_instead(*jump, cif->rtype, result);
        } else if (!in_place && cif->rtype != &ffi_type_void) {
            // libffi wants integers narrower than a register as a whole one.
            *static_cast<std::uint64_t *>(result) = bits;
        }
    }

    void write_error(const record &head, void *result) const {
        const void *value = head.error;
        if (head.result == result_class::memory) {
            value = reinterpret_cast<const void *>(head.error[0]);
        }
        if (value == nullptr) {
            std::memset(result, 0, result_size_);
        } else {
            std::memcpy(result, value, result_size_);
        }
    }

    call_record &native_;
    ffi_cif cif_{};
    std::vector<std::unique_ptr<passed_struct>> structs_;
    std::vector<ffi_type *> parameters_;
    ffi_type *result_ = nullptr;
    std::size_t result_size_;
    bool in_place_; // the result is written where libffi takes it from
};

bool make_closure(call_record &native, const signature &types) {
    auto made = std::make_shared<closure>(native, types);
    if (!made->prepare()) {
        PyErr_SetString(PyExc_ValueError, "libffi cannot pass these types");
        return false;
    }
    native.chain = made->chain();
    native.head.code = epy_closure_entry;
    native.native_code = std::move(made);
    return true;
}

} // namespace epy
