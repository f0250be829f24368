// The conversions of the thread's locale, and the lock of glibc's that guards them.
//
// Python calls mbstowcs and wcstombs: when it starts, and for the text of every OSError. The first
// such call in a locale loads the locale's conversions under a lock, and so does the first text of
// an error that is translated. A host may call a plugin while it has that lock itself (iconv opens
// a converter that is a plugin): the thread would wait for itself, without a word. Another thread
// would wait there with the GIL held, for one that has the lock and waits for the GIL.
//
// So nobody who may hold the GIL loads: a thread of its own does, once for each locale, and who
// needs the conversions before that is done, because somebody keeps the lock, gets those of the C
// locale, which are always there: its texts are English and its letters ASCII.
#pragma once

#include <locale.h>

namespace epy {

// For the calling thread, as long as it lives.
class safe_conversions {
public:
    // Also those of a text domain's catalogue, if it is not the C library's.
    explicit safe_conversions(const char *domain = "") noexcept;
    ~safe_conversions();
    safe_conversions(const safe_conversions &) = delete;
    safe_conversions &operator=(const safe_conversions &) = delete;

private:
    locale_t before_{}; // the thread's, or LC_GLOBAL_LOCALE; null: that is as good
};

// Lets the object that contains `function`, Python, take the C library's functions that convert
// with safe conversions, and so its extension modules, those that come later too.
void make_conversions_safe(const void *function) noexcept;

} // namespace epy
