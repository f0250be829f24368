#include "loader/core/python_image.h"

#include <link.h>
#include <unwind.h>

#include <algorithm>

#include "loader/core/py.h"

namespace epy {

namespace {

int take_pythons(dl_phdr_info *object, std::size_t /*size*/, void *found) {
    const auto code = reinterpret_cast<std::uintptr_t>(&PyGILState_GetThisThreadState);
    python_image it = {UINTPTR_MAX, 0, object->dlpi_tls_modid, 0};
    for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr) &segment = object->dlpi_phdr[i];
        if (segment.p_type == PT_TLS) {
            it.variables_size = segment.p_memsz;
        } else if (segment.p_type == PT_LOAD) {
            const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
            it.begin = std::min(it.begin, begin);
            it.end = std::max(it.end, begin + segment.p_memsz);
        }
    }
    if (code < it.begin || code >= it.end) {
        return 0;
    }
    *static_cast<python_image *>(found) = it;
    return 1;
}

_Unwind_Reason_Code look_at_caller(_Unwind_Context *caller, void *is_python) {
    const python_image &python = find_python_image();
    const std::uintptr_t code = _Unwind_GetIP(caller);
    if (code < python.begin || code >= python.end) {
        return _URC_NO_REASON;
    }
    *static_cast<int *>(is_python) = 1;
    return _URC_END_OF_STACK;
}

} // namespace

const python_image &find_python_image() noexcept {
    static const python_image found = [] {
        python_image it = {};
        dl_iterate_phdr(take_pythons, &it);
        return it;
    }();
    return found;
}

} // namespace epy

int epy_is_called_by_python(void) {
    int is_python = 0;
    _Unwind_Backtrace(epy::look_at_caller, &is_python);
    return is_python;
}
