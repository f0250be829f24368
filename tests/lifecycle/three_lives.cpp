// A host that initializes its Python three times, isolated and with a module of its own, while its
// threads call a plugin: three_lives PLUGIN WHEN THREADS. WHEN: the plugin is called "before"
// Python is there, or not. THREADS: they have ended when Python ends, or "stay" and call all the
// while. Each calls once more when it ends.
#include <Python.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <thread>
#include <vector>

namespace {

constexpr int calls_of_a_thread = 2000;
constexpr int threads = 4;

using number_function = int (*)(int);
number_function add_one;
std::atomic<bool> stop, finalizing;
std::atomic<int> wrong, busy;

struct call_at_the_end {
    bool is_to_call = false;
    ~call_at_the_end() {
        if (is_to_call) {
            add_one(100);
        }
    }
};
thread_local call_at_the_end at_the_end;

void call_until_stopped(int number) {
    at_the_end.is_to_call = true;
    for (int calls = 1; !stop; ++calls) {
        const bool is_in_time = !finalizing;
        if (add_one(number) != number + 1 && is_in_time && !finalizing) {
            ++wrong;
        }
        busy += calls == calls_of_a_thread ? 1 : 0;
    }
}

PyObject *ping(PyObject *, PyObject *) {
    int answer = 0;
    Py_BEGIN_ALLOW_THREADS;
    answer = add_one(7);
    Py_END_ALLOW_THREADS;
    return PyLong_FromLong(answer);
}
PyMethodDef methods[] = {{"ping", ping, METH_NOARGS, nullptr}, {}};
PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "of_host", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};
PyObject *make_module() { return PyModule_Create(&definition); }

bool initialize() {
    PyImport_AppendInittab("of_host", make_module);
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    const PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return PyStatus_Exception(status) == 0;
}

void live(bool threads_stay) {
    stop = finalizing = false;
    busy = 0;
    std::vector<std::thread> all;
    PyThreadState *const state = PyEval_SaveThread();
    for (int i = 0; i < threads; ++i) {
        all.emplace_back(call_until_stopped, i);
    }
    while (busy < threads) {
        std::this_thread::yield();
    }
    stop = !threads_stay;
    for (std::thread &one : all) {
        if (threads_stay) { // Python may park it
            one.detach();
        } else {
            one.join();
        }
    }
    PyEval_RestoreThread(state);
    finalizing = true;
    const int outcome = Py_FinalizeEx();
    stop = true;
    std::printf("finalized %d, wrong %d, afterwards %d", outcome, wrong.load(), add_one(1));
    std::thread([] { std::printf(" %d\n", add_one(1)); }).join();
}

} // namespace

int main(int, char **arguments) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    void *const plugin = dlopen(arguments[1], RTLD_NOW);
    add_one = reinterpret_cast<number_function>(dlsym(plugin, "add_one"));
    auto *const others = reinterpret_cast<int (*)()>(dlsym(plugin, "imports_and_starts"));
    if (std::strcmp(arguments[2], "before") == 0) {
        std::printf("before %d\n", add_one(1));
    }
    for (int life = 1; life <= 3; ++life) {
        if (!initialize()) {
            return 1;
        }
        PyRun_SimpleString("import of_host; print('ping', of_host.ping(), flush=True)");
        std::printf("others %d\n", others());
        live(std::strcmp(arguments[3], "stay") == 0);
    }
    if (std::strcmp(arguments[3], "stay") != 0) { // else they may be about to call
        dlclose(plugin);
    }
    std::puts("end");
    return 0;
}
