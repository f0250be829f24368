// How much memory the process has.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long resident_kilobytes(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) {
        abort();
    }
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}
