#include "loader/bootstrap/conversions.h"

#include <iconv.h>
#include <langinfo.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "loader/bootstrap/helper.h"

namespace epy {

namespace {

constexpr std::chrono::milliseconds soon{300};

// Takes the lock and gives it back. Not by loading, for which another lock is held meanwhile.
void pass_the_lock() {
    const iconv_t made = iconv_open("UCS-4LE", "UTF-8");
    if (made != reinterpret_cast<iconv_t>(-1)) {
        iconv_close(made);
    }
}

// What Python uses: both directions, and the translated texts of errors.
void load() {
    wchar_t wide[4] = {};
    char narrow[16] = {};
    static_cast<void>(std::mbstowcs(wide, "a", 1));
    static_cast<void>(std::wcstombs(narrow, L"a", 1));
    static_cast<void>(std::strerror(ENOENT));
}

// False if somebody has the lock. In the C locale there is nothing to load.
bool are_loaded() noexcept {
    if (std::strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0) {
        return true;
    }
    try {
        auto passing = std::make_shared<helper>([](helper &) { pass_the_lock(); });
        if (passing->run() && !passing->wait_for(helper::done, soon)) {
            return false;
        }
    } catch (const std::exception &) {
        return true; // no memory: as without epy
    }
    load();
    return true;
}

} // namespace

safe_conversions::safe_conversions() noexcept {
    if (are_loaded()) {
        return;
    }
    const locale_t same = duplocale(uselocale(nullptr));
    safe_ = same == nullptr ? nullptr : newlocale(LC_CTYPE_MASK | LC_MESSAGES_MASK, "C", same);
    if (safe_ != nullptr) {
        before_ = uselocale(safe_);
    } else if (same != nullptr) {
        freelocale(same);
    }
}

safe_conversions::~safe_conversions() {
    if (safe_ != nullptr) {
        uselocale(before_);
        freelocale(safe_);
    }
}

} // namespace epy
