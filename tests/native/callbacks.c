// Function pointers in both directions:
//
//   callbacks PLUGIN [OTHER]
//     fill(&table)       the plugin stores callbacks in the host's struct; the host calls them
//     drop()             the plugin forgets them; the host calls once more
//     apply(f, x)        the plugin calls the host's function, which calls the plugin OTHER
#include <dlfcn.h>
#include <stdio.h>

struct table {
    int (*scale)(int value, int factor);
    void (*notify)(const char *text, void *context);
    void *context;
};

static int (*in_other)(int);

static int host_function(int x) { return in_other == NULL ? x + 1 : in_other(x) + 1; }

static void *open(const char *path) {
    void *plugin = dlopen(path, RTLD_NOW);
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
    }
    return plugin;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    void *plugin = argc > 1 ? open(argv[1]) : NULL;
    void *other = argc > 2 ? open(argv[2]) : NULL;
    if (plugin == NULL) {
        return 2;
    }
    if (other != NULL) {
        in_other = (int (*)(int))dlsym(other, "in_other");
    }
    struct table table = {0};
    void (*fill)(struct table *) = (void (*)(struct table *))dlsym(plugin, "fill");
    void (*drop)(void) = (void (*)(void))dlsym(plugin, "drop");
    int (*apply)(int (*)(int), int) = (int (*)(int (*)(int), int))dlsym(plugin, "apply");
    if (fill != NULL) {
        fill(&table);
        printf("scale: %d\n", table.scale(6, 7));
        table.notify("hello", table.context);
    }
    if (drop != NULL) {
        drop();
        printf("dropped: %d\n", table.scale(6, 7));
        printf("dropped: %d\n", table.scale(6, 7));
    }
    if (apply != NULL) {
        printf("apply: %d\n", apply(host_function, 10));
    }
    return 0;
}
