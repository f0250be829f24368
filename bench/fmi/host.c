// A simulation tool, as far as it times steps: host LIBRARY RESOURCES GUID STEPS BATCHES.
// Prints the median over the batches of the nanoseconds of a step: an input is set, fmi2DoStep, and
// the output got and checked.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fmi2Functions.h"

static void *library;
#define F(name) ((name##TYPE *)find(#name))

static void *find(const char *name) {
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "no %s\n", name);
        exit(1);
    }
    return found;
}

static void log_it(fmi2ComponentEnvironment environment, fmi2String instance, fmi2Status status,
                   fmi2String category, fmi2String message, ...) {
    (void)environment;
    fprintf(stderr, "%s: %d %s: %s\n", instance, status, category, message);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int order(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static void check(int right, const char *what) {
    if (!right) {
        fprintf(stderr, "wrong: %s\n", what);
        exit(1);
    }
}

int main(int count, char **arguments) {
    check(count == 6, "arguments");
    library = dlopen(arguments[1], RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    const fmi2CallbackFunctions callbacks = {log_it, calloc, free, NULL, NULL};
    fmi2Component unit = F(fmi2Instantiate)("adder", fmi2CoSimulation, arguments[3], arguments[2],
                                            &callbacks, fmi2False, fmi2False);
    check(unit != NULL, "fmi2Instantiate");
    check(F(fmi2SetupExperiment)(unit, fmi2False, 0, 0, fmi2False, 0) == fmi2OK, "setup");
    check(F(fmi2EnterInitializationMode)(unit) == fmi2OK, "enter");
    check(F(fmi2ExitInitializationMode)(unit) == fmi2OK, "exit");
    fmi2SetRealTYPE *set = F(fmi2SetReal);
    fmi2GetRealTYPE *get = F(fmi2GetReal);
    fmi2DoStepTYPE *step = F(fmi2DoStep);
    const fmi2ValueReference x = 0, y = 1;
    const int steps = atoi(arguments[4]), batches = atoi(arguments[5]);
    double *times = calloc((size_t)batches, sizeof *times);
    double time = 0;
    for (int batch = -1; batch < batches; ++batch) { // the first is not timed
        double start = now();
        for (int i = 0; i < steps; ++i, time += 0.5) {
            double in = i, out = 0;
            check(set(unit, &x, 1, &in) == fmi2OK, "set");
            check(step(unit, time, 0.5, fmi2True) == fmi2OK, "step");
            check(get(unit, &y, 1, &out) == fmi2OK && out == in + 0.5, "get");
        }
        if (batch >= 0) {
            times[batch] = (now() - start) / steps;
        }
    }
    qsort(times, (size_t)batches, sizeof *times, order);
    printf("%.0f\n", times[batches / 2]);
    fflush(stdout);
    F(fmi2FreeInstance)(unit);
    return 0;
}
