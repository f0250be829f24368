#include "loader/maps.h"

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdio>

#include "loader/kernel.h"
#include "loader/paths.h"

namespace epy {

namespace {

// Takes one word off a line. Several spaces stand before the last one.
std::string_view take_word(std::string_view &line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(line.find_first_not_of(' ', end), line.size()));
    return word;
}

// False if it is no hexadecimal number and nothing else.
template <typename Number> bool read(std::string_view text, Number &number) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    return problem == std::errc{} && end == text.data() + text.size();
}

// "first-end"
bool read_addresses(std::string_view word, mapped_range &out) {
    const std::size_t dash = word.find('-');
    return dash != std::string_view::npos && read(word.substr(0, dash), out.begin) &&
           read(word.substr(dash + 1), out.end);
}

// In maps a line feed is \012.
std::string unescaped(std::string_view written) {
    std::string path;
    for (std::size_t i = 0; i < written.size(); ++i) {
        const bool line_feed = written.substr(i, 4) == "\\012";
        path += line_feed ? '\n' : written[i];
        i += line_feed ? 3 : 0;
    }
    return path;
}

// The path in what the kernel says of a mapping, which marks a file that is gone. Of what is no
// file it says something else.
std::string path_in(std::string said) {
    constexpr std::string_view gone = " (deleted)";
    if (!said.starts_with('/') || said.starts_with("/memfd:")) {
        return {};
    }
    if (said.size() > gone.size() && said.ends_with(gone) && !exists(said)) {
        said.resize(said.size() - gone.size());
    }
    return said;
}

} // namespace

// "first-end r-xp offset device inode   /path"
mapped_range range_in_maps(std::string_view maps, std::uintptr_t address) {
    while (!maps.empty()) {
        const std::size_t end = std::min(maps.find('\n'), maps.size());
        std::string_view line = maps.substr(0, end);
        maps.remove_prefix(std::min(end + 1, maps.size()));
        mapped_range found;
        if (!read_addresses(take_word(line), found) || address < found.begin ||
            address >= found.end) {
            continue;
        }
        take_word(line); // what it may be used for
        if (!read(take_word(line), found.offset)) {
            return {};
        }
        take_word(line); // device
        take_word(line); // inode
        found.file = path_in(unescaped(line));
        return found;
    }
    return {};
}

std::string file_mapped_at(std::uintptr_t begin, std::uintptr_t end) {
    char link[64];
    char said[PATH_MAX];
    std::snprintf(link, sizeof link, "/proc/self/map_files/%lx-%lx", begin, end);
    const ssize_t size = kernel::read_link(link, said, sizeof said);
    return size > 0 ? path_in(std::string(said, static_cast<std::size_t>(size))) : std::string();
}

} // namespace epy
