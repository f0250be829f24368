// The Pythons of this process and their GIL, without Python.h, whatever their version.
//
// Nothing here waits for the dynamic loader's lock, so a thread that holds the GIL finds out that
// it does, and gives it up, also before anybody has opened the core.
#pragma once

namespace epy {

// What the loader itself needs of a running Python.
struct gil_api {
    const void *(*current)() = nullptr;
    const void *(*of_this_thread)() = nullptr;
    void *(*save)() = nullptr;
    void (*restore)(void *) = nullptr;
    bool each_thread_has_a_current_state = false; // since 3.12

    [[nodiscard]] bool is_held() const noexcept;
};

// An object in the process that defines the C API itself.
struct python_object {
    const char *file = nullptr; // empty: the executable
    int (*is_initialized)() = nullptr;
    void *(*main_interpreter)() = nullptr;
    gil_api gil;
    bool runs = false; // when it was found: one that does not may be unmapped meanwhile
};

// Several are common: an executable and a stray libpython share one runtime.
struct python_objects {
    python_object all[8];
    unsigned count = 0;

    [[nodiscard]] const python_object *begin() const noexcept { return all; }
    [[nodiscard]] const python_object *end() const noexcept { return all + count; }
};

python_objects find_pythons() noexcept;

// The one that plugins run in: from now on nobody searches.
void remember_python(const python_object &) noexcept;

// It is gone.
void forget_python() noexcept;

// The calling thread holds the GIL of a Python in this process.
bool holds_gil() noexcept;

// Some Python is initialized in this process and the calling thread does not hold its GIL.
bool foreign_python_is_running() noexcept;

// Releases the GIL for a scope, if the calling thread holds it.
class gil_release {
public:
    gil_release() noexcept;
    ~gil_release();
    gil_release(const gil_release &) = delete;
    gil_release &operator=(const gil_release &) = delete;

private:
    void *state_ = nullptr;
    void (*restore_)(void *) = nullptr;
};

} // namespace epy
