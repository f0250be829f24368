// Passes values of every scalar type through a plugin, and prints what came of them:
//
//   values PLUGIN limits    for each type X and each of its extreme values V
//                             X: <text_X(V): how Python saw it> <echo_X(V), printed by C>
//   values PLUGIN errors    for each type, the results of fail_X(), over_X(), under_X(), wrong_X()
//                           and raise_X()
//   values PLUGIN mixed     twenty arguments of mixed types
#include <dlfcn.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static void *plugin;

static void *need(const char *prefix, const char *name) {
    char symbol[64];
    snprintf(symbol, sizeof symbol, "%s_%s", prefix, name);
    void *found = dlsym(plugin, symbol);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return found;
}

#define POINTER_VALUES NULL, (void *)1, (void *)UINTPTR_MAX

// X(name, C type, printf format, type that the format prints, values...)
#define SCALARS(X)                                                                                 \
    X(bool, bool, "%d", int, false, true)                                                          \
    X(byte, signed char, "%d", int, SCHAR_MIN, -1, 0, SCHAR_MAX)                                   \
    X(ubyte, unsigned char, "%d", int, 0, UCHAR_MAX)                                               \
    X(short, short, "%d", int, SHRT_MIN, -1, 0, SHRT_MAX)                                          \
    X(ushort, unsigned short, "%d", int, 0, USHRT_MAX)                                             \
    X(int, int, "%d", int, INT_MIN, -1, 0, INT_MAX)                                                \
    X(uint, unsigned, "%u", unsigned, 0, UINT_MAX)                                                 \
    X(long, long, "%ld", long, LONG_MIN, -1, 0, LONG_MAX)                                          \
    X(ulong, unsigned long, "%lu", unsigned long, 0, ULONG_MAX)                                    \
    X(longlong, long long, "%lld", long long, LLONG_MIN, -1, 0, LLONG_MAX)                         \
    X(ulonglong, unsigned long long, "%llu", unsigned long long, 0, ULLONG_MAX)                    \
    X(float, float, "%.9g", double, -FLT_MAX, FLT_TRUE_MIN, 0.5f, FLT_MAX, INFINITY)               \
    X(double, double, "%.17g", double, -DBL_MAX, DBL_TRUE_MIN, 0.1, DBL_MAX, -INFINITY, NAN)       \
    X(char, char, "%d", int, 'A', '\0', (char)0xff)                                                \
    X(wchar, wchar_t, "%d", int, L'A', L'\0', (wchar_t)0x1f40d)                                    \
    X(pointer, void *, "%p", void *, POINTER_VALUES)                                               \
    X(text, const char *, "%s", const char *, "plain", "", "\xc3\xa9\xff")                         \
    X(wtext, const wchar_t *, "%ls", const wchar_t *, L"plain", L"")

#define PRINT_LIMITS(name, type, format, shown, ...)                                               \
    {                                                                                              \
        type (*echo)(type) = (type(*)(type))need("echo", #name);                                   \
        const char *(*text)(type) = (const char *(*)(type))need("text", #name);                    \
        type values[] = {__VA_ARGS__};                                                             \
        for (unsigned i = 0; i < sizeof values / sizeof *values; ++i) {                            \
            printf("%s: %s ", #name, text(values[i]));                                             \
            printf(format "\n", (shown)echo(values[i]));                                           \
        }                                                                                          \
    }

#define PRINT_ERRORS(name, type, format, shown, ...)                                               \
    {                                                                                              \
        static const char *const ways[] = {"fail", "over", "under", "wrong", "raise"};             \
        printf("%s:", #name);                                                                      \
        for (unsigned i = 0; i < sizeof ways / sizeof *ways; ++i) {                                \
            type (*function)(void) = (type(*)(void))need(ways[i], #name);                          \
            printf(" " format, (shown)function());                                                 \
        }                                                                                          \
        putchar('\n');                                                                             \
    }

typedef const char *mixed_function(char, signed char, unsigned char, short, unsigned short, int,
                                   unsigned, long, unsigned long, float, double, bool, const char *,
                                   void *, wchar_t, float, double, float, long long, int);

static void print_mixed(void) {
    mixed_function *mixed = (mixed_function *)need("mixed", "arguments");
    puts(mixed('c', -1, 255, -2, 65535, -3, UINT_MAX, -4, ULONG_MAX, 0.5f, 0.25, true, "text",
               (void *)14, L'w', 1.5f, 2.5, -3.5f, LLONG_MIN, -20));
    double (*sum)(double, double, double, double, double, double, double, double, double, double,
                  double, double) = need("sum", "doubles");
    printf("%.17g\n", sum(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048));
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    plugin = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", argc == 3 ? dlerror() : "usage: values PLUGIN WHAT");
        return 2;
    }
    if (strcmp(argv[2], "limits") == 0) {
        SCALARS(PRINT_LIMITS)
    } else if (strcmp(argv[2], "errors") == 0) {
        SCALARS(PRINT_ERRORS)
    } else {
        print_mixed();
    }
    return 0;
}
