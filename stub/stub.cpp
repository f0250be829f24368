// The code of a plugin: first stage of the resolver, constructor, destructor.
//
// It runs inside any host, before and after Python, and can be unmapped by dlclose. So it is
// freestanding: no libstdc++, no allocation; the few libc functions it imports carry no version and
// are found in whichever libc the host has.
//
//   host -> trampoline -> record.code = epy_stub_resolver (saves every argument register)
//        -> epy_stub_resolve: opens libepy.so
//        -> jumps to loader_api::resolve with %r11 = record: nothing of the stub is on the stack
//           while Python starts.
#include "stub/stub.h"
#include "stub/checksum.h"
#include "stub/records.h"
#include "stub/trust.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

using epy::loader_api;
using epy::record;
using epy::stub_info;

namespace {

struct jump {
    void (*code)();
    const record *r11;
};

} // namespace

extern "C" {
[[gnu::visibility("hidden")]] extern stub_info epy_stub_info;
// The linker's own name for what lies at address 0.
[[gnu::visibility("hidden")]] extern const Elf64_Ehdr __ehdr_start; // NOLINT
[[gnu::visibility("hidden")]] void epy_stub_error_value();
}

namespace {

std::uintptr_t load_address() { return reinterpret_cast<std::uintptr_t>(&__ehdr_start); }

// ---- what stub_info says, read with checks: the file may be damaged

// The first of `size` bytes at a link-time address, and how many there are from there in their
// segment; null if there are fewer.
const char *bytes_at(std::uint64_t address, std::uint64_t size, std::uint64_t &room) {
    const auto *segments =
        reinterpret_cast<const Elf64_Phdr *>(load_address() + __ehdr_start.e_phoff);
    for (unsigned i = 0; i < __ehdr_start.e_phnum; ++i) {
        const std::uint64_t distance = address - segments[i].p_vaddr;
        if (segments[i].p_type == PT_LOAD && distance < segments[i].p_memsz) {
            room = segments[i].p_memsz - distance;
            return size <= room ? reinterpret_cast<const char *>(load_address() + address)
                                : nullptr;
        }
    }
    return nullptr;
}

template <typename T> const T *array_at(std::uint64_t address, std::uint64_t bytes) {
    std::uint64_t room = 0;
    return reinterpret_cast<const T *>(address % alignof(T) == 0 ? bytes_at(address, bytes, room)
                                                                 : nullptr);
}

const char *text_at(std::uint64_t address) {
    std::uint64_t room = 0;
    const char *text = bytes_at(address, 1, room);
    for (std::uint64_t i = 0; text != nullptr && i < room; ++i) {
        if (text[i] == '\0') {
            return text;
        }
    }
    return nullptr;
}

bool is_damaged() {
    const auto self = reinterpret_cast<std::uintptr_t>(&epy_stub_info) - load_address();
    return epy_stub_info.self != self ||
           (epy_stub_info.loader_path != 0 && text_at(epy_stub_info.loader_path) == nullptr);
}

// Whether records hold the declared error values.
bool records_are_whole() {
    const epy::extent &place = epy_stub_info.records;
    const epy::extent &errors = epy_stub_info.errors;
    const auto *records = array_at<record>(place.address, place.size);
    const char *error_bytes = array_at<char>(errors.address, errors.size);
    if (records == nullptr || (error_bytes == nullptr && errors.size != 0)) {
        return false;
    }
    std::uint32_t state = ~std::uint32_t{0};
    epy::visit_records(records, place, error_bytes, errors, load_address(),
                       [&](const void *bytes, std::uint64_t size) {
                           for (std::uint64_t i = 0; i < size; ++i) {
                               state = epy::crc32c_step(
                                   state, static_cast<const std::uint8_t *>(bytes)[i]);
                           }
                       });
    return ~state == epy_stub_info.records_checksum;
}

constexpr record returns_zero{};

const char *own_path() {
    Dl_info found{};
    return dladdr(&epy_stub_info, &found) != 0 && found.dli_fname != nullptr ? found.dli_fname
                                                                             : "?";
}

// Threads that are opening the loader. An export of this plugin may be called from inside that
// dlopen (LD_PRELOAD over malloc or getenv): such a call must not open it again.
class opening {
public:
    opening() {
        const auto self = static_cast<std::uintptr_t>(pthread_self());
        for (auto &thread : threads) {
            if (__atomic_load_n(&thread, __ATOMIC_RELAXED) == self) {
                nested_ = true;
                return;
            }
        }
        for (auto &thread : threads) {
            std::uintptr_t free = 0;
            if (__atomic_compare_exchange_n(&thread, &free, self, false, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED)) {
                mine_ = &thread;
                return;
            }
        }
    }
    ~opening() {
        if (mine_ != nullptr) {
            __atomic_store_n(mine_, 0, __ATOMIC_RELAXED);
        }
    }
    opening(const opening &) = delete;
    opening &operator=(const opening &) = delete;

    [[nodiscard]] bool nested() const { return nested_; }

private:
    static std::uintptr_t threads[16];
    std::uintptr_t *mine_ = nullptr;
    bool nested_ = false;
};

constinit std::uintptr_t opening::threads[16] = {};

void say_once(const char *problem, const char *detail, const char *remedy) {
    static bool said = false;
    if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED)) {
        dprintf(STDERR_FILENO, "epy: %s: %s%s; %s\n", own_path(), problem, detail, remedy);
    }
}

constexpr char install_again[] = "install epy again, or build the plugin again with 'epy build'";
// A host may have changed the root between dlopen and the first call.
constexpr char install_or_eager[] =
    "install epy again, or build the plugin again with 'epy build'; for a host that calls chroot "
    "use 'epy build --eager', which starts Python when the plugin is loaded";

// A libc of its own, as dlmopen and LD_AUDIT give one, does not know the process's threads and
// locks, and what is opened there may stay for ever.
bool in_base_namespace() {
    Dl_info found{};
    link_map *map = nullptr;
    Lmid_t space = LM_ID_BASE;
    if (dladdr1(&epy_stub_info, &found, reinterpret_cast<void **>(&map), RTLD_DL_LINKMAP) != 0) {
        dlinfo(map, RTLD_DI_LMID, &space);
    }
    return space == LM_ID_BASE;
}

// In a program without a dynamic linker the libc that dlopen brings cannot make threads.
bool in_static_program() {
    const auto *segments = reinterpret_cast<const Elf64_Phdr *>(getauxval(AT_PHDR));
    const std::uint64_t count = segments == nullptr ? 0 : getauxval(AT_PHNUM);
    for (std::uint64_t i = 0; i < count; ++i) {
        if (segments[i].p_type == PT_INTERP) {
            return false;
        }
    }
    return count != 0;
}

// The loader is the first code that does not belong to the host. In a process with raised
// privileges it is opened where the look at it led; null, after saying why, if others can change
// it.
[[gnu::noinline]] void *open_trusted(const char *path) {
    epy::trust found;
    epy::look_at(path, found);
    if (!found.is_given()) {
        epy::objection against;
        epy::describe(found, path, against);
        say_once(against.problem, "", against.remedy);
        return nullptr;
    }
    return dlopen(found.path, RTLD_NOW | RTLD_LOCAL);
}

// The C library's texts of errors as they are: to translate one it may load conversions, under a
// lock that the host may hold.
class untranslated {
public:
    untranslated() : before_(uselocale(newlocale(LC_ALL_MASK, "C", nullptr))) {}
    ~untranslated() { uselocale(before_); }
    untranslated(const untranslated &) = delete;
    untranslated &operator=(const untranslated &) = delete;

private:
    locale_t before_;
};

const loader_api *opened_loader = nullptr;

// One loader per process: one that is there already, whichever plugin brought it, else the stamped
// one.
const loader_api *open_loader() {
    const untranslated here;
    if (is_damaged()) {
        say_once("is damaged", "", "build it again with 'epy build'");
        return nullptr;
    }
    if (!in_base_namespace()) {
        say_once("loaded by dlmopen into a namespace of its own", ", where Python cannot run",
                 "load it with dlopen");
        return nullptr;
    }
    if (in_static_program()) {
        say_once("loaded by a static program", ", where Python cannot run",
                 "link the program without -static");
        return nullptr;
    }
    const char *path =
        epy_stub_info.loader_path == 0 ? nullptr : text_at(epy_stub_info.loader_path);
    void *handle = dlopen(epy::loader_soname, RTLD_NOW | RTLD_NOLOAD);
    if (handle == nullptr && path != nullptr) {
        handle =
            epy::has_raised_privileges() ? open_trusted(path) : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    if (handle == nullptr) {
        // Not translated: the C library would load conversions, under a lock that the host may
        // have.
        const locale_t before = uselocale(newlocale(LC_ALL_MASK, "C", nullptr));
        const char *why = dlerror();
        uselocale(before);
        const bool missing = path != nullptr && access(path, F_OK) != 0;
        say_once("cannot open epy's loader: ", path == nullptr ? "no path is stamped" : why,
                 missing ? install_or_eager : install_again);
        return nullptr;
    }
    const auto *api = static_cast<const loader_api *>(dlsym(handle, epy::loader_symbol));
    if (api == nullptr || epy_stub_info.contract < api->oldest_contract ||
        epy_stub_info.contract > api->newest_contract) {
        say_once("the loader in this process does not serve this plugin's version: ", path,
                 install_again);
        return nullptr;
    }
    __atomic_store_n(&opened_loader, api, __ATOMIC_RELEASE);
    return api;
}

const loader_api *find_loader() {
    const loader_api *api = __atomic_load_n(&opened_loader, __ATOMIC_ACQUIRE);
    if (api != nullptr) {
        return api;
    }
    const opening guard;
    return guard.nested() ? nullptr : open_loader();
}

// The name of slot `index`, or null if it has none.
const char *name_of(std::uint32_t index) {
    const std::uint64_t address =
        epy_stub_info.trampolines.address + std::uint64_t{index} * EPY_TRAMPOLINE_SIZE;
    const auto *symbols = array_at<Elf64_Sym>(epy_stub_info.symbols.address,
                                              epy_stub_info.symbols_used * sizeof(Elf64_Sym));
    for (std::uint32_t i = 0; symbols != nullptr && i < epy_stub_info.symbols_used; ++i) {
        if (symbols[i].st_value == address && symbols[i].st_shndx != SHN_UNDEF) {
            return text_at(epy_stub_info.strings.address + symbols[i].st_name);
        }
    }
    return nullptr;
}

} // namespace

extern "C" {

// dlsym looks behind the object that calls it: the call must be made from here, and not as a tail
// call.
[[gnu::visibility("hidden"), gnu::noinline]] void *epy_stub_next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    __asm__ volatile("" : "+r"(found));
    return found;
}

// PyInit_NAME, for a Python that finds plugin.so where it looks for plugin.py. Python keeps the
// plugin open: nothing of the stub is unmapped under this call.
[[gnu::visibility("hidden")]] void *epy_stub_module_init() noexcept {
    const loader_api *api = find_loader();
    return api == nullptr ? nullptr : api->module_init(&epy_stub_info);
}

[[gnu::visibility("hidden")]] jump epy_stub_resolve(const record *called) noexcept {
    const int saved_errno = errno;
    jump next{nullptr, called};
    if (const loader_api *api = find_loader(); api != nullptr) {
        next.code = api->resolve;
    } else if (const char *name = is_damaged() ? nullptr : name_of(called->index);
               name != nullptr) {
        next.code = reinterpret_cast<void (*)()>(epy_stub_next(name));
    }
    if (next.code == nullptr) {
        next = {epy_stub_error_value, records_are_whole() ? called : &returns_zero};
    }
    errno = saved_errno;
    return next;
}

} // extern "C"

namespace {

[[gnu::constructor]] void on_load() {
    if ((epy_stub_info.flags & (epy::stub_eager | epy::stub_bare)) == 0) {
        return;
    }
    if (const loader_api *api = find_loader(); api != nullptr) {
        api->attach(&epy_stub_info);
    }
}

[[gnu::destructor]] void on_unload() {
    const loader_api *api = __atomic_load_n(&opened_loader, __ATOMIC_ACQUIRE);
    if (api != nullptr) {
        api->unload(&epy_stub_info);
    }
}

} // namespace
