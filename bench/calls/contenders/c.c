// What the Python functions do, in C: the floor under every contender.
#include <string.h>

#include "../signatures.h"

#pragma weak host_twice // `epy build` of c_slot_plugin.py opens this where no host is

void f(void) {}

int add(int a, int b) { return a + b; }

double f3(double a, double b, double c) { return a * b + c; }

size_t len(const char *text) { return strlen(text); }

int process(void *handle, int mode, const double *samples, size_t count) {
    (void)handle, (void)samples;
    return mode + (int)count;
}

double mixed(int a, double b, int c, double d, int e, double f, int g, double h) {
    (void)a, (void)c, (void)d, (void)e, (void)f, (void)g;
    return b + h;
}

int process_view(void *handle, int mode, const double *samples, size_t count) {
    (void)handle;
    return mode + (samples[count - 1] > samples[0]);
}

const char *greet(const char *text) { return text; }

void *voice_new(void) {
    static double gain = 0.5;
    return &gain;
}

double step(void *voice, double by) { return *(double *)voice * by; }

double event(const struct event *one) { return one->kind + one->value; }

int drive(int number) { return host_twice(number) + 1; }
