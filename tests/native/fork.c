// A host that forks while a plugin is in use:
//
//   fork PLUGIN COUNT     int prepare(void), then COUNT children, one after the other, each of
//                         which calls int work(int) and exits; then int work(int) once more in the
//                         parent
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    void *plugin = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", argc == 3 ? dlerror() : "usage: fork PLUGIN COUNT");
        return 2;
    }
    int (*prepare)(void) = (int (*)(void))dlsym(plugin, "prepare");
    int (*work)(int) = (int (*)(int))dlsym(plugin, "work");
    if (prepare != NULL) {
        printf("prepare: %d\n", prepare());
    }
    const int count = atoi(argv[2]);
    for (int i = 1; i <= count; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(300); // for one that hangs
            printf("child: %d\n", work(i));
            exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) {
            printf("child %d ended with status %#x\n", i, status);
        }
    }
    printf("parent: %d\n", work(0));
    return 0;
}
