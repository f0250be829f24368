// The C functions that every contender serves.
#pragma once

#include <stddef.h>

typedef void f_function(void);
typedef int add_function(int, int);
typedef double f3_function(double, double, double);
typedef size_t len_function(const char *);
typedef int process_function(void *, int, const double *, size_t);
typedef double mixed_function(int, double, int, double, int, double, int, double);
typedef int process_view_function(void *, int, const double *, size_t);
