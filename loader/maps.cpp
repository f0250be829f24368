#include "loader/maps.h"

#include <algorithm>
#include <charconv>

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

// As the kernel writes it: a line feed is \012, and a file that is gone is marked.
std::string plain_path(std::string_view written) {
    constexpr std::string_view gone = " (deleted)";
    std::string path;
    for (std::size_t i = 0; i < written.size(); ++i) {
        const bool line_feed = written.substr(i, 4) == "\\012";
        path += line_feed ? '\n' : written[i];
        i += line_feed ? 3 : 0;
    }
    if (path.size() > gone.size() && path.ends_with(gone) && !exists(path)) {
        path.resize(path.size() - gone.size());
    }
    return path;
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
        if (line.starts_with('/') && !line.starts_with("/memfd:")) {
            found.file = plain_path(line);
        }
        return found;
    }
    return {};
}

} // namespace epy
