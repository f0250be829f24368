// libffi has trampolines of its own, for which it reads /proc/self/maps. Where it was compiled with
// the headers of glibc 2.38 or newer that is done by a function of that version, and the core would
// need such a glibc for something that it never does. The linker leads it here
// (--wrap=__isoc23_sscanf).
#include <stdarg.h>

int epy_c99_vsscanf(const char *, const char *, va_list) __asm__("__isoc99_vsscanf");
int epy_older_sscanf(const char *, const char *, ...) __asm__("__wrap___isoc23_sscanf");

// C23 differs in binary numbers alone.
int epy_older_sscanf(const char *text, const char *format, ...) {
    va_list values;
    va_start(values, format);
    const int count = epy_c99_vsscanf(text, format, values);
    va_end(values);
    return count;
}
