// Two threads, each of which calls a plugin of its own: host A.so B.so CALLS WORK
//
// Prints the nanoseconds of one call: by one thread that is alone, and by two at once.
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef int work(int);

struct caller {
    work *function;
    long calls;
    int amount;
};

static void *call(void *argument) {
    const struct caller *one = argument;
    for (long i = 0; i < one->calls; ++i) {
        if (one->function(one->amount) != one->amount) {
            abort();
        }
    }
    return NULL;
}

static double nanoseconds(struct caller *callers, int count) {
    pthread_t threads[2];
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < count; ++i) {
        pthread_create(&threads[i], NULL, call, &callers[i]);
    }
    for (int i = 0; i < count; ++i) {
        pthread_join(threads[i], NULL);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (1e9 * (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec)) /
           (double)callers[0].calls;
}

int main(int argc, char **argv) {
    struct caller callers[2];
    if (argc != 5) {
        return 2;
    }
    for (int i = 0; i < 2; ++i) {
        void *plugin = dlopen(argv[1 + i], RTLD_NOW);
        work *function = plugin == NULL ? NULL : (work *)dlsym(plugin, "work");
        if (function == NULL) {
            return 1;
        }
        function(1); // starts it
        callers[i] = (struct caller){function, atol(argv[3]), atoi(argv[4])};
    }
    const double alone = nanoseconds(callers, 1);
    printf("%.0f %.0f\n", alone, nanoseconds(callers, 2));
}
