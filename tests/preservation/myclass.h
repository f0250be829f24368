// A C++ library with an intrusive count, as libraries have it that know nothing of Python. What
// makes its objects keep their Python side are two lines, in `retain` and `release`.
#pragma once

#include <atomic>
#include <cstdio>
#include <string>

#include <epy.h>

class MyClass {
public:
    MyClass() { ++live; }

    static void retain(MyClass *self) {
        if (self->count_.fetch_add(1, std::memory_order_relaxed) == 1) {
            epy_share(self, 1);
        }
    }
    static void release(MyClass *self) {
        const int before = self->count_.fetch_sub(1, std::memory_order_acq_rel);
        if (before == 2) {
            epy_share(self, 0);
        } else if (before == 1) {
            delete self;
        }
    }

    int value = 0;
    MyClass *peer = nullptr; // owned
    std::string name;

    [[nodiscard]] int count() const { return count_; }
    static std::atomic<int> live;

private:
    ~MyClass() {
        epy_forget(this);
        if (peer != nullptr) {
            release(peer);
        }
        --live;
    }

    std::atomic<int> count_{1};
};

inline std::atomic<int> MyClass::live{0};

// Its interface for C.
extern "C" {
inline MyClass *myclass_new() { return new MyClass; }
inline void myclass_retain(MyClass *self) { MyClass::retain(self); }
inline void myclass_release(MyClass *self) { MyClass::release(self); }
inline int myclass_add(MyClass *self, int by) { return self->value += by; }
inline const char *myclass_name(MyClass *self, const char *name) {
    self->name = name == nullptr ? "" : name;
    return self->name.c_str();
}
inline void myclass_set_peer(MyClass *self, MyClass *peer) {
    if (peer != nullptr) {
        MyClass::retain(peer);
    }
    if (self->peer != nullptr) {
        MyClass::release(self->peer);
    }
    self->peer = peer;
}
inline MyClass *myclass_peer(MyClass *self) { return self->peer; }
inline int myclass_fail(MyClass *self) { return epy_raise("ValueError", "no %d", self->value); }
}

template <typename Function> void (*any(Function *function))() {
    return reinterpret_cast<void (*)()>(function);
}

inline int register_myclass() {
    static const epy_method methods[] = {
        {"int myclass_add(MyClass *self, int by)", any(myclass_add), "add"},
        {"const char *myclass_name(MyClass *, const char *name)", any(myclass_name), "rename"},
        {"void myclass_set_peer(MyClass *self, MyClass *peer)", any(myclass_set_peer), "set_peer"},
        {"MyClass *myclass_peer(MyClass *self)", any(myclass_peer), "peer"},
        {"int myclass_fail(MyClass *self)", any(myclass_fail), nullptr},
        {nullptr, nullptr, nullptr},
    };
    const epy_class described = {
        "MyClass",
        [](void *self) { MyClass::retain(static_cast<MyClass *>(self)); },
        [](void *self) { MyClass::release(static_cast<MyClass *>(self)); },
        []() -> void * { return new MyClass; },
        methods,
    };
    return epy_register_class(&described);
}
