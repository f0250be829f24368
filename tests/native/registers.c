// Checks that a first call keeps whatever carries an argument, for one shape of function.
//
// The same file makes the library of targets (-DTARGETS -shared -fPIC): each target says whether
// every argument arrived. The host looks the target's name up in a plugin, which exports its
// address, and calls it twice: through the first-call resolver, then by a plain jump.
#include <dlfcn.h>
#include <errno.h>
#include <immintrin.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct large { // returned in memory
    double values[5];
};
struct mixed { // returned in %rax and %xmm0
    long whole;
    double part;
};
struct pair { // passed in two general registers
    long first;
    long second;
};

#define AVX __attribute__((target("avx")))
#define AVX512 __attribute__((target("avx512f")))

typedef int doubles_and_longs(double, long, double, long, double, long, double, long, double, long,
                              double, long, double, long, double, long);
typedef int variadic(int, ...);
typedef int vector256(__m256d, __m256d, int, __m256d);
typedef int vector512(__m512d, __m512d, int, __m512d);
typedef long double long_double(long double, int, long double);
typedef struct large large_result(double, int);
typedef struct mixed mixed_result(long, double);
typedef int structs_by_value(struct large, struct pair, int);
typedef _Complex double complex_numbers(_Complex double, _Complex double);
typedef int many_on_stack(int, int, int, int, int, int, int, char, short, long, float, void *, int);
typedef int keeps_errno(void);

#ifdef TARGETS

doubles_and_longs target_doubles_and_longs;
int target_doubles_and_longs(double a, long b, double c, long d, double e, long f, double g, long h,
                             double i, long j, double k, long l, double m, long n, double o,
                             long p) {
    return a == 1.5 && b == 2 && c == 3.5 && d == 4 && e == 5.5 && f == 6 && g == 7.5 && h == 8 &&
           i == 9.5 && j == 10 && k == 11.5 && l == 12 && m == 13.5 && n == 14 && o == 15.5 &&
           p == 16;
}

// %al says how many vector registers to look at.
int target_variadic(int count, ...) {
    va_list arguments;
    va_start(arguments, count);
    int right = count == 10;
    for (int i = 0; i < count; ++i) {
        right = right && va_arg(arguments, double) == i + 0.25;
        right = right && va_arg(arguments, long) == i * 1000L;
    }
    va_end(arguments);
    return right;
}

AVX int target_vector256(__m256d a, __m256d b, int n, __m256d c) {
    double x[4], y[4], z[4];
    _mm256_storeu_pd(x, a);
    _mm256_storeu_pd(y, b);
    _mm256_storeu_pd(z, c);
    int right = n == 5;
    for (int i = 0; i < 4; ++i) {
        right = right && x[i] == i + 1 && y[i] == i + 10 && z[i] == i + 100;
    }
    return right;
}

AVX512 int target_vector512(__m512d a, __m512d b, int n, __m512d c) {
    double x[8], y[8], z[8];
    _mm512_storeu_pd(x, a);
    _mm512_storeu_pd(y, b);
    _mm512_storeu_pd(z, c);
    int right = n == 5;
    for (int i = 0; i < 8; ++i) {
        right = right && x[i] == i + 1 && y[i] == i + 10 && z[i] == i + 100;
    }
    return right;
}

long double target_long_double(long double a, int b, long double c) { return a * b + c; }

struct large target_large_result(double start, int step) {
    struct large result;
    for (int i = 0; i < 5; ++i) {
        result.values[i] = start + i * step;
    }
    return result;
}

struct mixed target_mixed_result(long whole, double part) {
    return (struct mixed){whole + 1, part + 1};
}

int target_structs_by_value(struct large a, struct pair b, int c) {
    return a.values[0] == 1.5 && a.values[4] == 5.5 && b.first == 6 && b.second == 7 && c == 8;
}

_Complex double target_complex_numbers(_Complex double a, _Complex double b) { return a * b; }

int target_many_on_stack(int a, int b, int c, int d, int e, int f, int g, char h, short i, long j,
                         float k, void *l, int m) {
    return a == 1 && b == 2 && c == 3 && d == 4 && e == 5 && f == 6 && g == -7 && h == 'h' &&
           i == -9 && j == 1L << 40 && k == 11.5f && l == (void *)12 && m == 13;
}

int target_keeps_errno(void) { return errno == 4711; }

#else

static void *target;

static int call_doubles_and_longs(void) {
    return ((doubles_and_longs *)target)(1.5, 2, 3.5, 4, 5.5, 6, 7.5, 8, 9.5, 10, 11.5, 12, 13.5,
                                         14, 15.5, 16);
}

static int call_variadic(void) {
    return ((variadic *)target)(10, 0.25, 0L, 1.25, 1000L, 2.25, 2000L, 3.25, 3000L, 4.25, 4000L,
                                5.25, 5000L, 6.25, 6000L, 7.25, 7000L, 8.25, 8000L, 9.25, 9000L);
}

AVX static int call_vector256(void) {
    return ((vector256 *)target)(_mm256_setr_pd(1, 2, 3, 4), _mm256_setr_pd(10, 11, 12, 13), 5,
                                 _mm256_setr_pd(100, 101, 102, 103));
}

AVX512 static int call_vector512(void) {
    return ((vector512 *)target)(_mm512_setr_pd(1, 2, 3, 4, 5, 6, 7, 8),
                                 _mm512_setr_pd(10, 11, 12, 13, 14, 15, 16, 17), 5,
                                 _mm512_setr_pd(100, 101, 102, 103, 104, 105, 106, 107));
}

static int call_long_double(void) {
    return ((long_double *)target)(0x1p-60L, 4, 1) == 1 + 0x1p-58L;
}

static int call_large_result(void) {
    const struct large result = ((large_result *)target)(0.5, 3);
    return result.values[0] == 0.5 && result.values[1] == 3.5 && result.values[4] == 12.5;
}

static int call_mixed_result(void) {
    const struct mixed result = ((mixed_result *)target)(41, 0.5);
    return result.whole == 42 && result.part == 1.5;
}

static int call_structs_by_value(void) {
    return ((structs_by_value *)target)((struct large){{1.5, 2.5, 3.5, 4.5, 5.5}},
                                        (struct pair){6, 7}, 8);
}

static int call_complex_numbers(void) {
    const _Complex double i = __builtin_complex(0.0, 1.0);
    return ((complex_numbers *)target)(2 + 3 * i, 4 + 5 * i) == -7 + 22 * i;
}

static int call_many_on_stack(void) {
    return ((many_on_stack *)target)(1, 2, 3, 4, 5, 6, -7, 'h', -9, 1L << 40, 11.5f, (void *)12,
                                     13);
}

static int call_keeps_errno(void) {
    errno = 4711;
    return ((keeps_errno *)target)() && errno == 4711;
}

#define SHAPE(name)                                                                                \
    { "target_" #name, call_##name }

static const struct {
    const char *name;
    int (*call)(void);
} shapes[] = {
    SHAPE(doubles_and_longs), SHAPE(variadic),      SHAPE(vector256),    SHAPE(vector512),
    SHAPE(long_double),       SHAPE(large_result),  SHAPE(mixed_result), SHAPE(structs_by_value),
    SHAPE(complex_numbers),   SHAPE(many_on_stack), SHAPE(keeps_errno),
};

int main(int argc, char **argv) {
    void *plugin = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", argc == 3 ? dlerror() : "usage: registers PLUGIN TARGET");
        return 2;
    }
    target = dlsym(plugin, argv[2]);
    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
        if (strcmp(shapes[i].name, argv[2]) == 0) {
            printf("first call: %s\n", shapes[i].call() ? "right" : "wrong");
            printf("second call: %s\n", shapes[i].call() ? "right" : "wrong");
            return 0;
        }
    }
    fprintf(stderr, "no shape %s\n", argv[2]);
    return 2;
}

#endif
