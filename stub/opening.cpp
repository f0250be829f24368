#include "stub/opening.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "stub/bundle.h"
#include "stub/finding.h"
#include "stub/memory_object.h"
#include "stub/neighbours.h"
#include "stub/own_stack.h"
#include "stub/pack.h"
#include "stub/printable.h"
#include "stub/self.h"
#include "stub/trust.h"
#include "stub/uncancelled.h"

// glibc's alone: null in a process with another C library, such as musl.
extern "C" [[gnu::weak]] int dladdr1(const void *, Dl_info *, void **, int) noexcept;
extern "C" [[gnu::weak]] const char *gnu_get_libc_version() noexcept;

namespace epy {

namespace {

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
        char line[4096];
        const int length = snprintf(line, sizeof line - 1, "epy: %s: %s%s; %s", self::path(),
                                    problem, detail, remedy);
        const auto size = static_cast<std::size_t>(length < 0 ? 0 : length);
        constexpr std::size_t most = sizeof line - 2;
        make_printable(line, size < most ? size : most, sizeof line);
        dprintf(STDERR_FILENO, "%s\n", line);
    }
}

constexpr char install_again[] = "install epy again, or build the plugin again with 'epy build'";
constexpr char let_read[] =
    "let the user that the host runs as read it, and search the folders on its path, or build the "
    "plugin again with 'epy build --standalone', which needs no epy";
constexpr char install_for_host[] =
    "compile epy on a system of the host's kind (pip install . in a clone of epy) and build the "
    "plugin again with that, or run the host on a system with glibc 2.34 or newer";
// A host may have changed the root between dlopen and the first call.
constexpr char install_or_eager[] =
    "install epy again (pip install epy), or build the plugin again with 'epy build --standalone', "
    "which needs no epy; for a host that calls chroot use --eager, which starts Python when the "
    "plugin is loaded";

// A libc of its own, as dlmopen and LD_AUDIT give one, does not know the process's threads and
// locks, and what is opened there may stay for ever. musl has no other than the base.
bool in_base_namespace() {
    Dl_info found{};
    link_map *map = nullptr;
    Lmid_t space = LM_ID_BASE;
    if (dladdr1 != nullptr &&
        dladdr1(&epy_stub_info, &found, reinterpret_cast<void **>(&map), RTLD_DL_LINKMAP) != 0) {
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

bool is_host_without_glibc() { return gnu_get_libc_version == nullptr; }

// The way to a loader, and why none was taken.
struct loader_search {
    void *handle = nullptr;
    const char *remedy = install_or_eager;
    bool damaged = false; // the bundle that the plugin lies in
    char why[700] = "no path is stamped";
    objection against = {}; // with raised privileges
};

// What a plugin that was built to need no epy has in itself.
bool open_own_loader(loader_search &search) {
    const extent &place = epy_stub_info.pack;
    const char *start = self::bytes_at(place.address, place.size);
    const packed_bytes found = find_packed(start, place.size, loader_soname);
    search.remedy = install_again;
    if (found.start == nullptr) {
        snprintf(search.why, sizeof search.why, "the one that it brings along is damaged");
        return false;
    }
    dlerror(); // of what was opened before
    search.handle = open_from_memory(loader_soname, "/proc/self/fd", found.start, found.size);
    if (search.handle == nullptr) {
        const char *why = dlerror();
        search.remedy = why != nullptr && is_host_without_glibc() ? install_for_host
                        : why != nullptr && lacks_memory()        ? memory_remedy
                                                                  : memory_object_remedy;
        snprintf(search.why, sizeof search.why, "the one that it brings along cannot be opened: %s",
                 why == nullptr ? "no folder takes it" : why);
    }
    return search.handle != nullptr;
}

bool open_if_usable(const loader_candidate &one, void *argument) {
    auto &search = *static_cast<loader_search *>(argument);
    if (one.place == loader_place::own) {
        return open_own_loader(search);
    }
    if (one.verdict == usable::yes) {
        search.handle = dlopen(one.path, RTLD_NOW | RTLD_LOCAL);
        if (search.handle == nullptr) {
            search.remedy = is_host_without_glibc() ? install_for_host
                            : lacks_memory()        ? memory_remedy
                                                    : install_again;
            snprintf(search.why, sizeof search.why, "%s", dlerror());
        }
    } else if (one.verdict == usable::damaged) {
        search.damaged = true;
        snprintf(search.why, sizeof search.why, "%.500s %s", one.path, one.why);
    } else if (one.verdict == usable::unreadable) {
        search.remedy = let_read;
        snprintf(search.why, sizeof search.why, "%.500s cannot be read: %s", one.path,
                 strerror(one.error));
    } else if (one.found != nullptr && search.against.problem[0] == '\0' &&
               (one.verdict == usable::untrusted || one.place == loader_place::stamped)) {
        describe(*one.found, one.path, search.against);
    } else if (one.verdict != usable::missing || one.place == loader_place::stamped) {
        const bool missing = one.verdict == usable::missing;
        search.remedy = missing ? install_or_eager : install_again;
        const char *what = missing ? "no file %.500s"
                           : one.verdict == usable::no_loader
                               ? "%.500s is no loader"
                               : "%.500s does not serve this plugin's version";
        snprintf(search.why, sizeof search.why, what, one.path);
    }
    return search.handle != nullptr || search.damaged;
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

// Null after saying why. Not inlined: the search takes room on a stack that may be small.
[[gnu::noinline]] void *find_and_open_loader() {
    const char *stamped =
        epy_stub_info.loader_path == 0 ? nullptr : self::text_at(epy_stub_info.loader_path);
    const loader_request wanted{self::path(), stamped, epy_stub_info.pack.size != 0,
                                epy_stub_info.contract};
    loader_search search;
    look_at_loaders(wanted, open_if_usable, &search);
    if (search.handle != nullptr) {
        return search.handle;
    }
    if (search.damaged) {
        say_once("the bundle that it lies in is not whole: ", search.why, bundle_remedy);
        return nullptr;
    }
    if (search.against.problem[0] != '\0') {
        say_once(search.against.problem, "", search.against.remedy);
        return nullptr;
    }
    if (search.remedy == install_for_host) {
        say_once("cannot open epy's loader, which is made for glibc, in a host that runs with "
                 "another C library: ",
                 search.why, install_for_host);
        return nullptr;
    }
    char problem[1024];
    snprintf(problem, sizeof problem,
             "cannot open epy's loader: %s; none in the folder epy beside the plugin, in EPY_HOME, "
             "of a Python on PATH or in /usr/local or /usr serves it either",
             search.why);
    say_once(problem, "", search.remedy);
    return nullptr;
}

const loader_api *the_loader = nullptr;

void *loader_in_process() { return dlopen(loader_soname, RTLD_NOW | RTLD_NOLOAD); }

// A loader serves what an earlier epy has built, not what a later one has. So the plugin here that
// the latest has built opens its own, for all: its epy_plugin_api does. Not inlined, as above.
[[gnu::noinline]] void let_newer_plugin_open_loader() {
    char path[4096];
    if (!find_newer_plugin(epy_stub_info.contract, path)) {
        return;
    }
    if (void *plugin = dlopen(path, RTLD_NOW | RTLD_NOLOAD); plugin != nullptr) {
        auto *open = reinterpret_cast<const void *(*)()>(dlsym(plugin, "epy_plugin_api"));
        if (open != nullptr) {
            open();
        }
        dlclose(plugin);
    }
}

// One loader per process: one that is there already, whichever plugin brought it. Threads may open
// one from memory at once: all take the first that the dynamic linker has.
const loader_api *open_loader() {
    const untranslated here;
    if (self::is_damaged()) {
        say_once("is damaged", "", "build it again with 'epy build'");
        return nullptr;
    }
    if (in_static_program()) {
        say_once("loaded by a static program", ", where Python cannot run",
                 "link the program without -static");
        return nullptr;
    }
    void *handle = loader_in_process(); // in this namespace: then it is the base
    if (handle == nullptr) {
        if (!in_base_namespace()) {
            say_once("loaded by dlmopen into a namespace of its own", ", where Python cannot run",
                     "load it with dlopen");
            return nullptr;
        }
        let_newer_plugin_open_loader();
        handle = loader_in_process();
    }
    if (handle == nullptr) {
        if (find_and_open_loader() == nullptr) {
            return nullptr;
        }
        handle = loader_in_process();
    }
    const auto *api = static_cast<const loader_api *>(dlsym(handle, loader_symbol));
    if (api == nullptr || epy_stub_info.contract < api->oldest_contract) {
        say_once("the epy in this process serves no plugin as old as this one", "",
                 "build it again with 'epy build'");
        return nullptr;
    }
    if (epy_stub_info.contract > api->newest_contract) {
        say_once(
            "the epy in this process is older than the one that built this plugin", "",
            "load this one before any other is called, or build the others again with its epy");
        return nullptr;
    }
    __atomic_store_n(&the_loader, api, __ATOMIC_RELEASE);
    return api;
}

} // namespace

const loader_api *opened_loader() noexcept {
    return __atomic_load_n(&the_loader, __ATOMIC_ACQUIRE);
}

const loader_api *find_loader() noexcept {
    const loader_api *api = opened_loader();
    if (api != nullptr) {
        return api;
    }
    const uncancelled whole;
    const opening guard;
    if (!guard.nested()) {
        call_with_room([&] { api = open_loader(); });
    }
    return api;
}

} // namespace epy
