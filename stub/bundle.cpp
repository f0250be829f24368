#include "stub/bundle.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stub/mapped_bytes.h"
#include "stub/pack.h"

namespace epy {

namespace {

constexpr int checksum_digits = 16;
constexpr int most_digits = 18; // of a size
constexpr std::size_t longest_path = 1024;

int digit(char character) {
    return character >= '0' && character <= '9'   ? character - '0'
           : character >= 'a' && character <= 'f' ? character - 'a' + 10
                                                  : 16;
}

// What is left of the list.
class list_text {
public:
    list_text(const char *start, std::size_t size) : at_(start), end_(start + size) {}

    [[nodiscard]] const char *place() const { return at_; }
    [[nodiscard]] bool is_over() const { return at_ == end_; }

    bool take(const char *text) {
        const std::size_t size = strlen(text);
        const bool is_next = left() >= size && memcmp(at_, text, size) == 0;
        at_ += is_next ? size : 0;
        return is_next;
    }

    // A number of at most so many digits, and the blank behind it.
    bool take_number(unsigned base, int most, std::uint64_t &value) {
        const char *start = at_;
        value = 0;
        for (; left() > 0 && at_ - start < most; ++at_) {
            const auto found = static_cast<unsigned>(digit(*at_));
            if (found >= base) {
                break;
            }
            value = value * base + found;
        }
        return at_ != start && take(" ");
    }

    // The rest of a line, as text; false if it has no end or is no path.
    bool take_path(char (&path)[longest_path]) {
        const auto *newline = static_cast<const char *>(memchr(at_, '\n', left()));
        if (newline == nullptr || static_cast<std::size_t>(newline - at_) >= sizeof path) {
            return false;
        }
        const auto size = static_cast<std::size_t>(newline - at_);
        memcpy(path, at_, size);
        path[size] = 0;
        at_ = newline + 1;
        return size > 0 && strlen(path) == size;
    }

private:
    [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

    const char *at_;
    const char *end_;
};

class check {
public:
    check(const char *folder, std::size_t length, const char *only)
        : folder_(folder), length_(length), only_(only) {}

    bundle run() {
        if (!locate("epy/bundle")) {
            return bundle::none;
        }
        const mapped_bytes list(place_);
        if (!list.is_readable()) {
            return access(place_, F_OK) == 0 ? bundle::no_list : bundle::none;
        }
        return walk(list_text(list.bytes(), list.size()), list.bytes());
    }

    [[nodiscard]] const char *file() const { return path_; }

private:
    bundle walk(list_text text, const char *start) {
        snprintf(path_, sizeof path_, "epy/bundle");
        if (!text.take("epy bundle 1\n")) {
            return bundle::no_list;
        }
        while (true) {
            const char *line = text.place();
            std::uint64_t checksum = 0;
            std::uint64_t size = 0;
            if (!text.take_number(16, checksum_digits, checksum)) {
                return bundle::no_list;
            }
            if (text.take("end\n")) {
                const auto before = static_cast<std::size_t>(line - start);
                return text.is_over() && checksum_of_packed(start, before) == checksum
                           ? bundle::whole
                           : bundle::no_list;
            }
            if (!text.take_number(10, most_digits, size) || !text.take_path(path_)) {
                snprintf(path_, sizeof path_, "epy/bundle");
                return bundle::no_list;
            }
            if (only_ == nullptr || strcmp(only_, path_) == 0) {
                if (const bundle state = look(checksum, size); state != bundle::whole) {
                    return state;
                }
            }
            snprintf(path_, sizeof path_, "epy/bundle");
        }
    }

    bundle look(std::uint64_t checksum, std::uint64_t size) {
        if (!locate(path_)) {
            return bundle::missing;
        }
        const mapped_bytes file(place_);
        if (!file.is_readable()) {
            return bundle::missing;
        }
        return file.size() == size && checksum_of_packed(file.bytes(), size) == checksum
                   ? bundle::whole
                   : bundle::changed;
    }

    bool locate(const char *path) {
        const int size =
            snprintf(place_, sizeof place_, "%.*s/%s", static_cast<int>(length_), folder_, path);
        return static_cast<std::size_t>(size) < sizeof place_;
    }

    const char *folder_;
    std::size_t length_;
    const char *only_;
    char path_[longest_path] = "epy/bundle";
    char place_[4096];
};

} // namespace

// Not inlined: paths take much room, on a stack that may be small.
[[gnu::noinline]] void look_at_bundle(const char *folder, std::size_t length, const char *only,
                                      bundle_finding &found) noexcept {
    check here(folder, length, only);
    found.state = here.run();
    snprintf(found.file, sizeof found.file, "%s", here.file());
}

const char *describe(bundle state) noexcept {
    switch (state) {
    case bundle::none:
    case bundle::whole:
        return "is whole";
    case bundle::no_list:
        return "was cut short or edited";
    case bundle::missing:
        return "is missing or cannot be read";
    case bundle::changed:
        return "is not what 'epy bundle' wrote";
    }
    return "";
}

} // namespace epy
