// A host whose interface has text buffers and tables of functions. Commands:
//
//   char NAME SIZE      int NAME(char *buffer, int size, int *length)
//   wide NAME SIZE      the same with wchar_t, and
//   short NAME SIZE     with 16-bit characters
//   null NAME           the same with NULL for the buffer and for length
//   env NAME            int NAME(environment *), as JNI passes it
//   object NAME         int NAME(object *), as COM passes it
//
// A buffer has 16 characters of 0x7f before the call; it is printed as far as it was changed, in
// hexadecimal, behind the result and the length.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { room = 16 };

typedef int fill_function(void *, int, int *);

static void fill(fill_function *function, int size, size_t unit) {
    unsigned char buffer[room * sizeof(wchar_t)];
    size_t used = sizeof buffer;
    int length = -1;
    memset(buffer, 0x7f, sizeof buffer);
    const int result = function(buffer, size, &length);
    while (used > 0 && buffer[used - 1] == 0x7f) {
        --used;
    }
    printf("%d %d ", result, length);
    for (size_t i = 0; i < used; i += unit) {
        uint32_t character = 0;
        memcpy(&character, buffer + i, unit);
        printf("%s%x", i == 0 ? "" : " ", character);
    }
    printf("\n");
}

// JNI: an environment is a pointer to a table, and every function takes a pointer to it.
struct functions;
typedef const struct functions *environment;
struct functions {
    void *reserved;
    int (*find)(environment *, const char *name);
    int (*add)(environment *, int, int);
    void (*missing)(environment *);
};

static environment *expected;

static int find(environment *self, const char *name) {
    return self == expected ? (int)strlen(name) : -1;
}

static int add(environment *self, int a, int b) { return self == expected ? a + b : -1; }

static const struct functions functions = {NULL, find, add, NULL};

// COM: an object begins with a pointer to its table.
struct object;
struct object_functions {
    int (*get)(struct object *);
    int (*set)(struct object *, int);
};
struct object {
    const struct object_functions *functions;
    int value;
};

static int get(struct object *self) { return self->value; }

static int set(struct object *self, int value) {
    self->value = value;
    return 0;
}

static const struct object_functions object_functions = {get, set};

int main(int argc, char **argv) {
    void *plugin = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW);
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    for (int i = 2; i < argc; ++i) {
        char command[16];
        char name[64];
        int size = 0;
        sscanf(argv[i], "%15s %63s %d", command, name, &size);
        void *function = dlsym(plugin, name);
        if (strcmp(command, "char") == 0) {
            fill(function, size, 1);
        } else if (strcmp(command, "wide") == 0) {
            fill(function, size, sizeof(wchar_t));
        } else if (strcmp(command, "short") == 0) {
            fill(function, size, 2);
        } else if (strcmp(command, "null") == 0) {
            printf("%d\n", ((fill_function *)function)(NULL, room, NULL));
        } else if (strcmp(command, "env") == 0) {
            environment env = &functions;
            expected = &env;
            printf("%d\n", ((int (*)(environment *))function)(&env));
        } else if (strcmp(command, "object") == 0) {
            struct object object = {&object_functions, 20};
            printf("%d", ((int (*)(struct object *))function)(&object));
            printf(" %d\n", object.value);
        } else {
            fprintf(stderr, "no command: %s\n", command);
            return 64;
        }
    }
    return 0;
}
