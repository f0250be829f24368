// A host that forks: as daemon(3) does, whose parent calls _exit, and otherwise.
//
//   daemon PLUGIN STEP...   int begin(void), then the steps; one that forks goes on in the child,
//                           but for `work`
//
// That a process has ended shows in its child, which gets another parent.
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *plugin;
static int (*find(const char *name))(void) { return (int (*)(void))dlsym(plugin, name); }
static void await_end_of(pid_t parent) {
    while (getppid() == parent)
        usleep(1000);
}

static void become_daemon(void) {
    const pid_t parent = getpid();
    if (daemon(1, 1) != 0)
        _exit(9);
    await_end_of(parent);
}

int main(int argc, char **argv) {
    alarm(300); // for one that hangs
    plugin = dlopen(argv[1], RTLD_NOW);
    if (plugin == NULL || find("begin")() != 0)
        return 9;
    for (int i = 2; i < argc; ++i) {
        const char *step = argv[i];
        if (strcmp(step, "daemon") == 0) {
            become_daemon();
        } else if (strcmp(step, "fork") == 0) { // and the parent waits, and exits as it should
            const pid_t child = fork();
            if (child != 0) {
                waitpid(child, NULL, 0);
                exit(0);
            }
        } else if (strcmp(step, "exit-first") == 0) { // the parent exits at once, as it should
            const pid_t parent = getpid();
            if (fork() != 0)
                exit(0);
            await_end_of(parent);
        } else if (strcmp(step, "work") == 0 || strcmp(step, "work-and-close") == 0) {
            const pid_t child = fork();
            if (child == 0) {
                if (strcmp(step, "work") != 0)
                    dlclose(plugin);
                exit(0);
            }
            waitpid(child, NULL, 0);
        } else if (strcmp(step, "orphans") == 0) { // nobody else is left
            const pid_t parent = getpid();
            for (int n = 0; n < 4; ++n) {
                if (fork() == 0) {
                    await_end_of(parent);
                    exit(0);
                }
            }
            _exit(0);
        } else if (strcmp(step, "add") == 0) {
            find("add")();
        } else if (strcmp(step, "close") == 0) {
            dlclose(plugin);
        } else if (strcmp(step, "_exit") == 0) {
            _exit(0);
        }
    }
    exit(0);
}
