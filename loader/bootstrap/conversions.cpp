#include "loader/bootstrap/conversions.h"

#include <dlfcn.h>
#include <iconv.h>
#include <langinfo.h>
#include <libintl.h>
#include <netdb.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <exception>
#include <iterator>
#include <memory>
#include <span>
#include <string>

#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/objects.h"

namespace epy {

namespace {

using clock = std::chrono::steady_clock;

// How long somebody may have the lock before the conversions of C are taken.
constexpr std::chrono::milliseconds soon{500};

// The C locale's own object, for which glibc allocates and locks nothing.
locale_t c_locale() noexcept { return newlocale(LC_ALL_MASK, "C", nullptr); }

// Takes the lock and gives it back. Not by loading, for which another lock is held meanwhile.
void pass_the_lock() {
    const iconv_t made = iconv_open("UCS-4LE", "UTF-8");
    if (made != reinterpret_cast<iconv_t>(-1)) {
        iconv_close(made);
    }
}

// Both directions, and translated texts, in the thread's locale: of errors, and of another text
// domain if there is one. The empty text is in each catalogue.
void load(const std::string &domain) {
    wchar_t wide[4] = {};
    char narrow[16] = {};
    static_cast<void>(std::mbstowcs(wide, "a", 1));
    static_cast<void>(std::wcstombs(narrow, L"a", 1));
    static_cast<void>(std::strerror(ENOENT));
    if (!domain.empty()) {
        static_cast<void>(dgettext(domain.c_str(), ""));
    }
}

// A pair of locales, for letters and for messages, that a thread has had, and a text domain that it
// has asked for, empty for the C library's own. Never freed.
class seen_locale {
public:
    // Null without memory or a thread, or for one locale too many: it is as without epy.
    static seen_locale *find(const char *letters, const char *messages,
                             const char *domain) noexcept {
        for (seen_locale *one = all.load(std::memory_order_acquire); one != nullptr;
             one = one->next_) {
            if (one->letters_ == letters && one->messages_ == messages && one->domain_ == domain) {
                return one;
            }
        }
        if (count.load(std::memory_order_relaxed) >= most) {
            return nullptr;
        }
        try {
            auto made = std::make_unique<seen_locale>(letters, messages, domain);
            made->loading_ =
                std::make_shared<helper>([self = made.get()] { self->load_in_helper(); });
            if (!made->loading_->run()) {
                return nullptr;
            }
            made->next_ = all.load(std::memory_order_relaxed);
            while (!all.compare_exchange_weak(made->next_, made.get(), std::memory_order_release,
                                              std::memory_order_relaxed)) {
            }
            count.fetch_add(1, std::memory_order_relaxed);
            return made.release();
        } catch (const std::exception &) {
            return nullptr;
        }
    }

    seen_locale(const char *letters, const char *messages, const char *domain)
        : letters_(letters), messages_(messages), domain_(domain) {}

    // Waits for it until `soon` after the locale was seen for the first time.
    bool is_loaded() noexcept {
        if (!loaded_.load(std::memory_order_acquire)) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(until_ - clock::now());
            if (left.count() > 0) {
                loading_->ends_within(left);
            }
        }
        return loaded_.load(std::memory_order_acquire);
    }

private:
    static constexpr int most = 64;
    static std::atomic<seen_locale *> all;
    static std::atomic<int> count;

    void load_in_helper() noexcept {
        pass_the_lock();
        // By name: the thread that has the locale may free it meanwhile.
        const locale_t base = newlocale(LC_CTYPE_MASK, letters_.c_str(), nullptr);
        kept_ = base == nullptr ? nullptr : newlocale(LC_MESSAGES_MASK, messages_.c_str(), base);
        if (kept_ != nullptr) {
            uselocale(kept_);
            load(domain_);
            uselocale(LC_GLOBAL_LOCALE);
        }
        loaded_.store(true, std::memory_order_release);
    }

    std::string letters_;
    std::string messages_;
    std::string domain_;
    clock::time_point until_ = clock::now() + soon;
    std::shared_ptr<helper> loading_;
    std::atomic<bool> loaded_ = false;
    locale_t kept_{}; // what a locale has loaded stays as long as somebody uses it
    seen_locale *next_ = nullptr;
};

std::atomic<seen_locale *> seen_locale::all = nullptr;
std::atomic<int> seen_locale::count = 0;

// The thread's locale, to be asked for its names. Another thread may set the process's own
// meanwhile, which frees them: of that one it is a copy, for which glibc locks, and none is made of
// "C", whose name is told by its place.
class asked_locale {
public:
    asked_locale() noexcept : asked_(uselocale(nullptr)) {
        if (asked_ == LC_GLOBAL_LOCALE && !(is_plain(LC_CTYPE) && is_plain(LC_MESSAGES))) {
            asked_ = copy_ = duplocale(LC_GLOBAL_LOCALE);
        } else if (asked_ == LC_GLOBAL_LOCALE) {
            asked_ = c_locale();
        }
    }
    ~asked_locale() {
        if (copy_ != nullptr) {
            freelocale(copy_);
        }
    }
    asked_locale(const asked_locale &) = delete;
    asked_locale &operator=(const asked_locale &) = delete;

    // False without memory.
    explicit operator bool() const noexcept { return asked_ != nullptr; }
    [[nodiscard]] const char *name(int category) const noexcept {
        return nl_langinfo_l(_NL_LOCALE_NAME(category), asked_);
    }

private:
    static bool is_plain(int category) noexcept {
        return nl_langinfo(_NL_LOCALE_NAME(category)) ==
               nl_langinfo_l(_NL_LOCALE_NAME(category), c_locale());
    }

    locale_t asked_;
    locale_t copy_{};
};

bool are_loaded(const char *domain) noexcept {
    const int saved_errno = errno;
    const asked_locale asked;
    bool loaded = true;
    if (asked) {
        const char *letters = asked.name(LC_CTYPE);
        const char *messages = asked.name(LC_MESSAGES);
        if (std::strcmp(letters, "C") != 0 || std::strcmp(messages, "C") != 0) {
            seen_locale *seen = seen_locale::find(letters, messages, domain);
            loaded = seen == nullptr || seen->is_loaded();
        }
    }
    errno = saved_errno;
    return loaded;
}

// ---- what Python calls in place of the C library's functions

template <auto function> struct safe;
template <typename Result, typename... Arguments, bool nothrow,
          Result (*function)(Arguments...) noexcept(nothrow)>
struct safe<function> {
    static Result call(Arguments... arguments) noexcept(nothrow) {
        const safe_conversions here;
        return function(arguments...);
    }
};

// Each catalogue has its conversions.
char *dcgettext_safely(const char *domain, const char *text, int category) noexcept {
    const safe_conversions here(domain == nullptr ? textdomain(nullptr) : domain);
    return dcgettext(domain, text, category);
}

char *dgettext_safely(const char *domain, const char *text) noexcept {
    return dcgettext_safely(domain, text, LC_MESSAGES);
}

char *gettext_safely(const char *text) noexcept {
    return dcgettext_safely(nullptr, text, LC_MESSAGES);
}

template <auto function> void *safely() noexcept {
    return reinterpret_cast<void *>(&safe<function>::call);
}

void *open_extension_module(const char *file, int mode) noexcept;

// Of those that CPython and its extension modules take: conversions, and texts that are translated.
// The last is of CPython alone, whose imports are gone through once.
const import_replacement of_python[] = {
    {"mbstowcs", safely<&std::mbstowcs>()},
    {"wcstombs", safely<&std::wcstombs>()},
    {"mbrtowc", safely<&std::mbrtowc>()},
    {"wcsftime", safely<&std::wcsftime>()},
    {"strerror", safely<&std::strerror>()},
    {"strsignal", safely<&strsignal>()},
    {"hstrerror", safely<&hstrerror>()},
    {"gai_strerror", safely<&gai_strerror>()},
    {"perror", safely<&std::perror>()},
    {"dlerror", safely<&dlerror>()},
    {"gettext", reinterpret_cast<void *>(&gettext_safely)},
    {"dgettext", reinterpret_cast<void *>(&dgettext_safely)},
    {"dcgettext", reinterpret_cast<void *>(&dcgettext_safely)},
    {"dlopen", reinterpret_cast<void *>(&open_extension_module)},
};
const std::span of_extension_modules(std::begin(of_python), std::size(of_python) - 1);

// Its name says which function it must have.
bool is_extension_module(const loaded_object &object) noexcept {
    const char *slash = std::strrchr(object.name(), '/');
    const char *file = slash == nullptr ? object.name() : slash + 1;
    const auto stem = static_cast<int>(std::strcspn(file, "."));
    std::array<char, 256> init{};
    std::snprintf(init.data(), init.size(), "PyInit_%.*s", stem, file);
    return object.find(init.data()) != nullptr;
}

// How Python opens an extension module: that calls the same functions of the C library.
void *open_extension_module(const char *file, int mode) noexcept {
    auto *handle = static_cast<link_map *>(dlopen(file, mode));
    if (handle != nullptr) {
        for_each_object([&](const loaded_object &object) {
            const bool found = object.contains(handle->l_ld);
            if (found && is_extension_module(object)) {
                object.replace_imports(of_extension_modules);
            }
            return !found;
        });
    }
    return handle;
}

} // namespace

safe_conversions::safe_conversions(const char *domain) noexcept {
    if (!are_loaded(domain)) {
        before_ = uselocale(c_locale());
    }
}

safe_conversions::~safe_conversions() {
    if (before_ != nullptr) {
        uselocale(before_);
    }
}

void make_conversions_safe(const void *function) noexcept {
    for_each_object([&](const loaded_object &object) {
        if (object.contains(function)) {
            object.replace_imports(of_python);
        } else if (object.is_relocated() && is_extension_module(object)) {
            object.replace_imports(of_extension_modules);
        }
        return true;
    });
}

} // namespace epy
