// A batch: many calls of one function, each result checked.
#pragma once

// One row per signature: its name, and what calls `function` so many times and returns how many
// results were wrong. `object` is a pointer for those that take one.
typedef struct {
    const char *name;
    int (*run)(void *function, void *object, int calls);
} batch;

extern const batch batches[];
extern const int batch_count;
