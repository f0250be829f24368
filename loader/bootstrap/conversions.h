// The conversions of the thread's locale, and the lock of glibc's that guards them.
//
// Python calls mbstowcs and wcstombs: when it starts, and for the text of every OSError. The first
// such call in a locale loads the locale's conversions under a lock. A host may make a plugin's
// first call while it has that lock itself (iconv opens a converter that is a plugin): the thread
// would wait for itself, without a word. Another thread would wait there with the GIL held.
//
// So before a start another thread looks whether the lock is free. If so, the conversions are
// loaded, and nobody ever waits for that lock in this locale again. If not, somebody has it, most
// likely the caller: then the start runs in the C locale as far as conversions are concerned, which
// needs none.
#pragma once

#include <locale.h>

namespace epy {

// For the calling thread, as long as it lives.
class safe_conversions {
public:
    safe_conversions() noexcept;
    ~safe_conversions();
    safe_conversions(const safe_conversions &) = delete;
    safe_conversions &operator=(const safe_conversions &) = delete;

private:
    locale_t safe_{};   // null: the thread's own is as good
    locale_t before_{}; // the thread's, or LC_GLOBAL_LOCALE
};

} // namespace epy
