// Threads of the host that call `int add(int, int)` without pause.
#include <pthread.h>
#include <stdatomic.h>

enum { most = 16 };

static pthread_t threads[most];
static int count;
static atomic_int stopped;
static atomic_long calls, wrong;

static void *call(void *function) {
    int (*add)(int, int) = (int (*)(int, int))function;
    long done = 0;
    for (int i = 0; !stopped; i = (i + 1) % 1000000, ++done) {
        wrong += add(i, 1000) != i + 1000;
    }
    calls += done;
    return NULL;
}

void start(void *add, int how_many) {
    stopped = 0;
    calls = wrong = 0;
    for (count = 0; count < how_many && count < most; ++count) {
        pthread_create(&threads[count], NULL, call, add);
    }
}

// How many calls were made, negative if a result was wrong.
long stop(void) {
    stopped = 1;
    while (count > 0) {
        pthread_join(threads[--count], NULL);
    }
    return wrong ? -1 : calls;
}
