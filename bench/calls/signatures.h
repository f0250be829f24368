// The C functions that every contender serves.
#pragma once

#include <stddef.h>

struct event {
    int kind;
    double value;
};

typedef void f_function(void);
typedef int add_function(int, int);
typedef double f3_function(double, double, double);
typedef size_t len_function(const char *);
typedef int process_function(void *, int, const double *, size_t);
typedef double mixed_function(int, double, int, double, int, double, int, double);
typedef int process_view_function(void *, int, const double *, size_t);
typedef const char *greet_function(const char *);
typedef double step_function(void *voice, double);
typedef double event_function(const struct event *);
typedef int drive_function(int);

// The object that `step` is called with, for as long as the process runs.
typedef void *voice_new_function(void);

// Of the host: what the Python function below `drive` calls.
#ifdef __cplusplus
extern "C"
#endif
    int
    host_twice(int number);
