// epy.hpp: epy.h for C++17: references and scopes that end by themselves, exceptions for errors,
// and C++ classes that scripts subclass. Header-only; the host is linked with -lepy. Long because
// it is all that a C++ host includes.
#ifndef EPY_HPP
#define EPY_HPP

#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "epy.h"

namespace epy {

// What a function of epy.h has failed with: the thread's last error.
class error : public std::runtime_error {
public:
    error() : error(epy_last_error_info()) {}

    [[nodiscard]] const std::string &type() const noexcept { return type_; }
    [[nodiscard]] const std::string &traceback() const noexcept { return traceback_; }

private:
    explicit error(const epy_error *found)
        : std::runtime_error(found == nullptr ? "no error" : epy_last_error()),
          type_(found == nullptr ? "" : found->type),
          traceback_(found == nullptr ? "" : found->traceback) {}

    std::string type_;
    std::string traceback_;
};

inline void check(int status) {
    if (status != 0) {
        throw error();
    }
}

// Of what is being caught, in a function that Python has called: its exception there.
inline void raise_caught() noexcept {
    try {
        throw;
    } catch (const error &) {
        epy_raise_again();
    } catch (const std::bad_alloc &) {
        epy_raise("MemoryError", "%s", "");
    } catch (const std::exception &other) {
        epy_raise("RuntimeError", "%s", other.what());
    } catch (...) {
        epy_raise("RuntimeError", "%s", "a C++ exception of no standard class");
    }
}

// One of the host's references to an object, or none.
class object {
public:
    object() noexcept = default;
    // Takes a new reference over. Throws error for NULL.
    explicit object(epy_object *given) : object_(given) {
        if (given == nullptr) {
            throw error();
        }
    }
    object(const object &other) noexcept : object_(epy_object_retain(other.object_)) {}
    object(object &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    object &operator=(object other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~object() { epy_object_release(object_); }

    [[nodiscard]] epy_object *get() const noexcept { return object_; }
    [[nodiscard]] epy_object *release() noexcept { return std::exchange(object_, nullptr); }
    explicit operator bool() const noexcept { return object_ != nullptr; }

    [[nodiscard]] object attribute(const char *name) const {
        return object(epy_get(object_, name));
    }
    void set(const char *name, const object &value) const {
        check(epy_set(object_, name, value.object_));
    }
    // Formats and values as for epy_call.
    object operator()(const char *format = nullptr, ...) const {
        std::va_list values;
        va_start(values, format);
        epy_object *result = epy_call_object_va(object_, format, values);
        va_end(values);
        return object(result);
    }
    object call(const char *method, const char *format = nullptr, ...) const {
        std::va_list values;
        va_start(values, format);
        epy_object *result = epy_call_method_va(object_, method, format, values);
        va_end(values);
        return object(result);
    }
    // The last value is a dict of keywords: "i{s:i}".
    object call_kw(const char *method, const char *format, ...) const {
        std::va_list values;
        va_start(values, format);
        epy_object *result = epy_call_method_kw_va(object_, method, format, values);
        va_end(values);
        return object(result);
    }
    template <typename T> [[nodiscard]] T as() const;

private:
    epy_object *object_ = nullptr;
};

template <> inline int object::as<int>() const {
    int value = 0;
    check(epy_parse(object_, "i", &value));
    return value;
}
template <> inline long object::as<long>() const {
    long value = 0;
    check(epy_parse(object_, "l", &value));
    return value;
}
template <> inline double object::as<double>() const {
    double value = 0;
    check(epy_parse(object_, "d", &value));
    return value;
}
template <> inline bool object::as<bool>() const {
    int value = 0;
    check(epy_parse(object_, "p", &value));
    return value != 0;
}
template <> inline std::string object::as<std::string>() const {
    const char *text = nullptr;
    ptrdiff_t size = 0;
    check(epy_parse(object_, "s#", &text, &size));
    return {text, static_cast<std::size_t>(size)};
}

// A value by format: build("{s:i}", "a", 1).
inline object build(const char *format, ...) {
    std::va_list values;
    va_start(values, format);
    epy_object *made = epy_build_va(format, values);
    va_end(values);
    return object(made);
}

class plugin {
public:
    // Of a dlopen handle or an export; borrowed from that.
    explicit plugin(const void *handle_or_export) : plugin_(epy_plugin_of(handle_or_export)) {
        if (plugin_ == nullptr) {
            throw error();
        }
    }
    [[nodiscard]] epy_plugin *get() const noexcept { return plugin_; }
    void start() const { check(epy_start(plugin_)); }
    object call(const char *name, const char *format = nullptr, ...) const {
        std::va_list values;
        va_start(values, format);
        epy_object *result = epy_call_va(plugin_, name, format, values);
        va_end(values);
        return object(result);
    }

    object call_kw(const char *name, const char *format, ...) const {
        std::va_list values;
        va_start(values, format);
        epy_object *result = epy_call_kw_va(plugin_, name, format, values);
        va_end(values);
        return object(result);
    }

private:
    epy_plugin *plugin_;
};

// A function pointer that runs Python, callback<int(const char *)>, and the host's reference to it.
template <typename Signature> class callback;
template <typename Result, typename... Arguments> class callback<Result(Arguments...)> {
public:
    using pointer = Result (*)(Arguments...);

    callback() noexcept = default;
    // One that a script has passed.
    explicit callback(pointer passed) : function_(passed) {
        check(epy_callback_retain(reinterpret_cast<epy_function *>(passed)));
    }
    // Of what Python calls and a prototype of the same signature, "int (*)(const char *)". `failed`
    // is what C gets when it raises.
    callback(const object &callable, const char *c_prototype, const object &failed = {})
        : function_(reinterpret_cast<pointer>(
              epy_callback_new(callable.get(), c_prototype, failed.get()))) {
        if (function_ == nullptr) {
            throw error();
        }
    }
    callback(const callback &other) : function_(other.function_) {
        if (function_ != nullptr) {
            check(epy_callback_retain(raw()));
        }
    }
    callback(callback &&other) noexcept : function_(std::exchange(other.function_, nullptr)) {}
    callback &operator=(callback other) noexcept {
        std::swap(function_, other.function_);
        return *this;
    }
    ~callback() { epy_callback_release(raw()); }

    [[nodiscard]] pointer get() const noexcept { return function_; }
    [[nodiscard]] bool is_live() const noexcept { return epy_callback_is_live(raw()) == 1; }
    Result operator()(Arguments... values) const { return function_(values...); }

private:
    [[nodiscard]] epy_function *raw() const noexcept {
        return reinterpret_cast<epy_function *>(function_);
    }

    pointer function_ = nullptr;
};

// A memoryview of bytes that `owner` owns, which is destroyed once Python is done with them.
template <typename Owner>
object memory(Owner owner, void *bytes, std::size_t size, bool writable = true) {
    auto kept = std::make_unique<Owner>(std::move(owner));
    object made(epy_memory(
        bytes, size, writable ? 1 : 0, [](void *user) { delete static_cast<Owner *>(user); },
        kept.get()));
    static_cast<void>(kept.release()); // Python's
    return made;
}
template <typename Item> object memory(std::vector<Item> items, bool writable = true) {
    void *const bytes = items.data();
    const std::size_t size = items.size() * sizeof(Item);
    return memory<std::vector<Item>>(std::move(items), bytes, size, writable);
}

// The bytes of a Python object, which stay where they are as long as this lives.
class buffer {
public:
    explicit buffer(const object &of, bool writable = false)
        : owner_(epy_buffer(of.get(), writable ? 1 : 0, &data_, &size_)) {}

    [[nodiscard]] void *data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    void *data_ = nullptr;
    std::size_t size_ = 0;
    object owner_;
};

// Keeps Python for a batch of calls.
class batch {
public:
    batch() { check(epy_enter(&scope_)); }
    ~batch() { epy_leave(&scope_); }
    batch(const batch &) = delete;
    batch &operator=(const batch &) = delete;

private:
    epy_scope scope_;
};

// Gives Python's lock away around something that blocks.
class pause {
public:
    pause() noexcept { epy_pause(&scope_); }
    ~pause() { epy_resume(&scope_); }
    pause(const pause &) = delete;
    pause &operator=(const pause &) = delete;

private:
    epy_scope scope_;
};

// Base of a C++ class `T` whose objects have one Python object each, and which scripts subclass:
//
//     class Peer : public epy::host_class<Peer> { ... };
//     Peer::register_as("Peer", methods);
//
// Objects are counted, and made by `new` with one reference. T has a default constructor if scripts
// are to make some.
template <typename T> class host_class {
public:
    static void register_as(const char *name, const epy_method *methods) {
        const epy_class described = {
            name,
            [](void *self) { static_cast<T *>(self)->retain(); },
            [](void *self) { static_cast<T *>(self)->release(); },
            constructor(),
            methods,
        };
        check(epy_register_class(&described));
        name_ = name;
    }

    void retain() noexcept {
        if (count_.fetch_add(1, std::memory_order_relaxed) == 1) {
            epy_share(static_cast<T *>(this), 1);
        }
    }
    void release() {
        const int before = count_.fetch_sub(1, std::memory_order_acq_rel);
        if (before == 2) {
            epy_share(static_cast<T *>(this), 0);
        } else if (before == 1) {
            epy_forget(static_cast<T *>(this));
            delete static_cast<T *>(this);
        }
    }

    // Its Python object.
    [[nodiscard]] object wrapper() { return object(epy_wrap(name_, static_cast<T *>(this))); }

    // What a script has made of the method, for an object of a script's class; empty for others,
    // and if there is none: then the class's own takes its place.
    [[nodiscard]] object override_of(const char *method) {
        if (!is_pythons_) {
            return {};
        }
        epy_object *found = epy_get(wrapper().get(), method);
        if (found == nullptr && !epy_error_matches("AttributeError")) {
            throw error();
        }
        return found == nullptr ? object() : object(found);
    }

protected:
    host_class() = default;
    ~host_class() = default;
    host_class(const host_class &) = delete;
    host_class &operator=(const host_class &) = delete;

private:
    // What it throws is raised in the script.
    static void *create() noexcept {
        try {
            auto *made = new T;
            made->is_pythons_ = true;
            return made;
        } catch (...) {
            raise_caught();
            return nullptr;
        }
    }
    static constexpr auto constructor() noexcept -> void *(*)() {
        if constexpr (std::is_default_constructible_v<T>) {
            return create;
        } else {
            return nullptr;
        }
    }

    static inline const char *name_ = nullptr;
    std::atomic<int> count_{1};
    bool is_pythons_ = false;
};

template <auto function> struct guarded_method;
template <typename Result, typename... Arguments, bool nothrow,
          Result (*function)(Arguments...) noexcept(nothrow)>
struct guarded_method<function> {
    static Result call(Arguments... values) noexcept {
        try {
            return function(values...);
        } catch (...) {
            raise_caught();
            return Result();
        }
    }
};

// For epy_method: a function of any type. What method<function>() throws is raised in the script;
// what method(function) throws ends the process, because nothing unwinds Python.
template <auto function> void (*method())() {
    return reinterpret_cast<void (*)()>(guarded_method<function>::call);
}
template <typename Function> void (*method(Function *function))() {
    return reinterpret_cast<void (*)()>(function);
}

} // namespace epy

#endif
