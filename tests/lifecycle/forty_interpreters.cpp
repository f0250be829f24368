// A host whose threads make sub-interpreters and end them, and call a plugin all the while:
// forty_interpreters PLUGIN KIND WHEN. KIND: "own" for a lock of their own. WHEN: the plugin is
// called "before" Python is there, or not.
#include <Python.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <thread>
#include <vector>

namespace {

constexpr int threads = 4;
constexpr int interpreters_of_each = 10;

int (*add_one)(int);
int (*others)();
int (*(*doubling)())(int);
std::atomic<int> wrong;

void expect(bool holds) { wrong += holds ? 0 : 1; }

PyThreadState *make_interpreter([[maybe_unused]] bool own) {
    PyThreadState *made = nullptr;
#if PY_VERSION_HEX >= 0x030d0000
    if (own) {
        PyInterpreterConfig config = {};
        config.allow_threads = 1;
        config.check_multi_interp_extensions = 1;
        config.gil = PyInterpreterConfig_OWN_GIL;
        Py_NewInterpreterFromConfig(&made, &config);
        return made;
    }
#endif
    return Py_NewInterpreter();
}

// With the state `of_main` current, before and after.
void live_in_one(bool own, int number, PyThreadState *of_main) {
    PyThreadState *const sub = make_interpreter(own);
    if (sub == nullptr) {
        std::abort();
    }
    expect(add_one(number) == number + 1);
    expect(PyRun_SimpleString("x = list(range(100))") == 0);
    expect(PyThreadState_Get() == sub);
    expect(doubling()(4) == 8);
    PyThreadState *const state = PyEval_SaveThread();
    expect(add_one(number) == number + 1);
    std::thread([] { expect(add_one(5) == 6); }).join();
    PyEval_RestoreThread(state);
    expect(others() == 7);
    Py_EndInterpreter(sub);
    if (own) {
        PyEval_RestoreThread(of_main);
    } else {
        PyThreadState_Swap(of_main);
    }
    expect(add_one(1) == 2);
}

void live(PyInterpreterState *main, bool own) {
    for (int i = 0; i < interpreters_of_each; ++i) {
        PyThreadState *const of_main = PyThreadState_New(main);
        PyEval_RestoreThread(of_main);
        live_in_one(own, i, of_main);
        PyThreadState_Clear(of_main);
        PyThreadState_DeleteCurrent();
        expect(add_one(1) == 2);
    }
}

} // namespace

int main(int, char **arguments) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    void *const plugin = dlopen(arguments[1], RTLD_NOW);
    add_one = reinterpret_cast<int (*)(int)>(dlsym(plugin, "add_one"));
    others = reinterpret_cast<int (*)()>(dlsym(plugin, "imports_and_starts"));
    doubling = reinterpret_cast<int (*(*)())(int)>(dlsym(plugin, "doubling"));
    const bool own = std::strcmp(arguments[2], "own") == 0;
    if (std::strcmp(arguments[3], "before") == 0) {
        std::printf("before %d\n", add_one(1));
    }
    Py_InitializeEx(0);
    PyInterpreterState *const main = PyInterpreterState_Get();
    PyThreadState *const state = PyEval_SaveThread();
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) {
        all.emplace_back(live, main, own);
    }
    for (std::thread &one : all) {
        one.join();
    }
    PyEval_RestoreThread(state);
    std::printf("wrong %d\n", wrong.load());
    std::printf("finalized %d\n", Py_FinalizeEx());
    dlclose(plugin);
    std::puts("end");
    return 0;
}
