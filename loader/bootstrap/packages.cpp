#include "loader/bootstrap/packages.h"

#include <algorithm>
#include <string_view>

#include "loader/files.h"

namespace epy {

namespace {

// "%s" is the version.
struct commands {
    std::string_view system; // of ID or ID_LIKE in os-release(5); empty: any other
    std::string_view library;
    std::string_view standard_library;
};

// RPM's packages can be named by what is in them, whatever a release calls them. Arch has the
// newest Python alone. Plugins run on no system without glibc.
constexpr commands known[] = {
    {"debian", "apt install libpython%s", "apt install libpython%s-stdlib"},
    {"ubuntu", "apt install libpython%s", "apt install libpython%s-stdlib"},
    {"fedora", "dnf install 'libpython%s.so.1.0()(64bit)'", "dnf install 'python(abi) = %s'"},
    {"rhel", "dnf install 'libpython%s.so.1.0()(64bit)'", "dnf install 'python(abi) = %s'"},
    {"suse", "zypper install 'libpython%s.so.1.0()(64bit)'", "zypper install 'python(abi) = %s'"},
    {"arch", "pacman -S python", "pacman -S python"},
    {"", "on Debian: apt install libpython%s", "on Debian: apt install libpython%s-stdlib"},
};

// The value of `name` in os-release's text; may be in quotes.
std::string_view value_of(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.starts_with(name) && line.substr(name.size()).starts_with('=')) {
            line.remove_prefix(name.size() + 1);
            const std::size_t quoted = line.find_first_of("\"'") == 0 ? 1 : 0;
            return line.substr(quoted, line.find_last_not_of("\"' \r") + 1 - quoted);
        }
    }
    return {};
}

bool has_word(std::string_view text, std::string_view word) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (text.substr(0, end) == word) {
            return true;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
}

const commands &of_this_system() {
    std::string text = contents_of("/etc/os-release");
    if (text.empty()) {
        text = contents_of("/usr/lib/os-release");
    }
    const commands *one = known;
    while (!one->system.empty() && !has_word(value_of(text, "ID"), one->system) &&
           !has_word(value_of(text, "ID_LIKE"), one->system)) {
        ++one;
    }
    return *one;
}

std::string fill_in(std::string_view command, const std::string &version) {
    std::string text(command);
    if (const std::size_t place = text.find("%s"); place != std::string::npos) {
        text.replace(place, 2, version);
    }
    return text;
}

} // namespace

std::string command_for_library(const std::string &version) {
    return fill_in(of_this_system().library, version);
}

std::string command_for_standard_library(const std::string &version) {
    return fill_in(of_this_system().standard_library, version);
}

} // namespace epy
