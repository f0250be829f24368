// For closures of its own libffi reads /proc/self/maps. Where it was compiled with the headers of
// glibc 2.38 or newer that takes a function of that version, so that the core would not run with an
// older glibc. Those closures are not used: the core has its own (call/pool.h). So the linker leads
// what libffi calls here (--wrap=__isoc23_sscanf).
extern "C" [[gnu::visibility("hidden")]] int epy_no_sscanf(const char *text, const char *format,
                                                           ...) noexcept
    asm("__wrap___isoc23_sscanf");

extern "C" int epy_no_sscanf(const char * /*text*/, const char * /*format*/, ...) noexcept {
    return 0; // nothing that was asked for is there
}
