// Arguments differ from call to call, and ints are above 256, so that nobody gains by keeping the
// last call's objects or by Python's own cache of small ints.
#include "batches.h"

#include <string.h>

#include "signatures.h"

static const char text[] = "a dozen char";
static const double samples[] = {0.5, 1.5, 2.5, 3.5};

int host_twice(int number) { return 2 * number; }

#define BATCH(name, call, right)                                                                   \
    static int name##_batch(void *address, void *object, int calls) {                              \
        (void)object;                                                                              \
        name##_function *function = (name##_function *)address;                                    \
        int wrong = 0;                                                                             \
        for (int i = 0; i < calls; ++i) {                                                          \
            wrong += (call) != (right);                                                            \
        }                                                                                          \
        return wrong;                                                                              \
    }

BATCH(f, (function(), 0), 0)
BATCH(add, function(1000 + i, 70000), 71000 + i)
BATCH(f3, function(i, 2.5, 0.25), i * 2.5 + 0.25)
BATCH(len, function(text + (i & 7)), sizeof text - 1 - (i & 7))
BATCH(process, function(object, 1000 + i, samples, 4), 1004 + i)
BATCH(mixed, function(1000 + i, i, 2000, 1.5, 3000, 2.5, 4000, 3.5), i + 3.5)
BATCH(process_view, function(object, 1000 + i, samples + (i & 1), 3), 1001 + i)
BATCH(greet, strcmp(function(text + (i & 7)), text + (i & 7)), 0)
BATCH(step, function(object, i), i * 0.5)
BATCH(event, function(&(struct event){1000 + i, 0.25}), 1000.25 + i)
BATCH(drive, function(1000 + i), 2001 + 2 * i)

#define ROW(name)                                                                                  \
    { #name, name##_batch }
const batch batches[] = {
    ROW(f),     ROW(add),  ROW(f3),    ROW(len),   ROW(process), ROW(mixed), ROW(process_view),
    ROW(greet), ROW(step), ROW(event), ROW(drive),
};
const int batch_count = sizeof batches / sizeof *batches;
