#include "loader/bootstrap/host_classes.h"

#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/locks.h"

namespace epy {

namespace {

// What a registered class consists of, where it stays.
struct kept_class {
    std::deque<std::string> texts;
    std::vector<epy_method> methods;
    epy_class shown{};

    const char *keep(const char *text) {
        return text == nullptr ? nullptr : texts.emplace_back(text).c_str();
    }
};

std::deque<kept_class> &all() {
    static auto *classes = new std::deque<kept_class>;
    return *classes;
}

const epy_class *find_locked(const char *name) {
    for (const kept_class &one : all()) {
        if (std::strcmp(one.shown.name, name) == 0) {
            return &one.shown;
        }
    }
    return nullptr;
}

} // namespace

bool register_class(const epy_class &given) {
    if ((given.retain == nullptr) != (given.release == nullptr)) {
        set_error("epy_register_class", nullptr,
                  "class '%s' has one of retain and release: give both, or neither", given.name);
        return false;
    }
    const std::scoped_lock guard(host_lock());
    if (find_locked(given.name) != nullptr) {
        set_error("epy_register_class", nullptr, "there is a class '%s' already", given.name);
        return false;
    }
    kept_class made;
    for (const epy_method *one = given.methods; one != nullptr && one->c_prototype != nullptr;
         ++one) {
        made.methods.push_back({made.keep(one->c_prototype), one->function, made.keep(one->name)});
    }
    made.methods.push_back({});
    made.shown = given;
    made.shown.name = made.keep(given.name);
    // std::deque and std::vector keep their elements' places when they are moved.
    kept_class &kept = all().emplace_back(std::move(made));
    kept.shown.methods = kept.methods.data();
    return true;
}

const epy_class *find_class(const char *name) noexcept {
    const std::scoped_lock guard(host_lock());
    return find_locked(name);
}

} // namespace epy
