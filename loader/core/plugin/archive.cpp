#include "loader/core/plugin/archive.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string>
#include <string_view>

#include "loader/core/values/contents.h"

namespace epy {

namespace {

constexpr std::string_view first_line = "epy archive 1\n";
constexpr std::string_view last_line = "end\n";

// Each function below fails with a Python exception, or without one if the archive is damaged.

struct block {
    std::string_view tabbed; // its fields as they are written
    ref fields;              // a tuple
    std::string_view held;
    std::size_t begin; // of what it holds, in the archive
};

ref bytes(std::string_view held) {
    return ref(PyBytes_FromStringAndSize(held.data(), static_cast<Py_ssize_t>(held.size())));
}

// Paths may be any bytes.
ref decoded(std::string_view text) {
    return ref(
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape"));
}

char escaped(char letter) {
    switch (letter) {
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case '0':
        return '\0';
    default:
        return letter;
    }
}

ref field(std::string_view written) {
    if (written.find('\\') == std::string_view::npos) {
        return decoded(written);
    }
    std::string text;
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (written[i] != '\\') {
            text += written[i];
        } else if (++i < written.size()) {
            text += escaped(written[i]);
        }
    }
    return decoded(text);
}

// A tuple of them; a tab is before each.
ref fields_of(std::string_view tabbed) {
    ref found(PyTuple_New(std::count(tabbed.begin(), tabbed.end(), '\t')));
    for (Py_ssize_t index = 0; found && index < PyTuple_GET_SIZE(found.get()); ++index) {
        const std::size_t end = std::min(tabbed.find('\t', 1), tabbed.size());
        ref one = field(tabbed.substr(1, end - 1));
        if (!one) {
            return {};
        }
        PyTuple_SET_ITEM(found.get(), index, one.release());
        tabbed.remove_prefix(end);
    }
    return found;
}

bool number(std::string_view digits, std::size_t &value) {
    const char *start = digits.data();
    const auto [stopped, error] = std::from_chars(start, start + digits.size(), value);
    return error == std::errc() && stopped == start + digits.size() && digits.size() <= 18;
}

// What is before the next newline. False if there is none.
bool take_line(std::string_view &left, std::string_view &line) {
    const std::size_t newline = left.find('\n');
    if (newline == std::string_view::npos) {
        return false;
    }
    line = left.substr(0, newline);
    left.remove_prefix(newline + 1);
    return true;
}

// What is before the first tab of a line; that and what follows stay in it.
std::string_view take_key(std::string_view &line) {
    const std::string_view key = line.substr(0, line.find('\t'));
    line.remove_prefix(key.size());
    return key;
}

// Its fields, then the bytes.
ref with_contents(const block &one) {
    PyObject *fields = one.fields.get();
    const Py_ssize_t count = PyTuple_GET_SIZE(fields);
    ref contents = bytes(one.held);
    ref found(contents ? PyTuple_New(count + 1) : nullptr);
    for (Py_ssize_t index = 0; found && index < count; ++index) {
        PyTuple_SET_ITEM(found.get(), index, Py_NewRef(PyTuple_GET_ITEM(fields, index)));
    }
    if (found) {
        PyTuple_SET_ITEM(found.get(), count, contents.release());
    }
    return found;
}

// A file may be large: it is read when it is asked for.
ref with_place(const block &one) {
    return ref(Py_BuildValue("(Onn)", PyTuple_GET_ITEM(one.fields.get(), 0), one.begin,
                             one.begin + one.held.size()));
}

// A header: what the script asks for, an index, and the rest. The fields are two sizes.
ref in_parts(const block &one) {
    const std::size_t second = one.tabbed.find('\t', 1);
    std::size_t text = 0;
    std::size_t index = 0;
    if (!number(one.tabbed.substr(1, second - 1), text) ||
        !number(one.tabbed.substr(second + 1), index)) {
        return {};
    }
    text = std::min(text, one.held.size());
    index = std::min(index, one.held.size() - text);
    const ref asked = decoded(one.held.substr(0, text));
    const ref names = bytes(one.held.substr(text, index));
    const ref data = bytes(one.held.substr(text + index));
    return asked && names && data ? ref(PyTuple_Pack(3, asked.get(), names.get(), data.get()))
                                  : ref();
}

// The manifest: a dict of lists, the fields of each line by what is before them.
ref lines_by_key(const block &one) {
    ref found(PyDict_New());
    std::string_view left = one.held;
    std::string_view line;
    while (found && take_line(left, line)) {
        const ref key = field(take_key(line));
        const ref fields = key ? fields_of(line) : ref();
        const ref fresh(fields ? PyList_New(0) : nullptr);
        PyObject *lines = fresh ? PyDict_SetDefault(found.get(), key.get(), fresh.get()) : nullptr;
        if (lines == nullptr || PyList_Append(lines, fields.get()) != 0) {
            return {};
        }
    }
    return found;
}

struct kind {
    const char *name;
    Py_ssize_t fields; // behind the size of what it holds
    ref (*entry)(const block &);
};

constexpr kind kinds[] = {
    {"manifest", 0, lines_by_key}, {"rows", 1, with_contents},     {"module", 2, with_contents},
    {"code", 2, with_contents},    {"constant", 1, with_contents}, {"header", 2, in_parts},
    {"file", 1, with_place},
};

// -1 for none.
Py_ssize_t find_kind(std::string_view name) {
    const kind *const found = std::find_if(std::begin(kinds), std::end(kinds),
                                           [name](const kind &one) { return one.name == name; });
    return found == std::end(kinds) ? -1 : found - kinds;
}

// A block's line, what it holds, a newline.
bool take_block(std::string_view all, std::string_view &left, PyObject *parts) {
    std::string_view line;
    if (!take_line(left, line)) {
        return false;
    }
    const std::string_view key = take_key(line);
    const std::size_t space = std::min(key.find(' '), key.size());
    const Py_ssize_t found = find_kind(key.substr(0, space));
    std::size_t size = 0;
    if (found < 0 || space == key.size() || !number(key.substr(space + 1), size) ||
        size >= left.size() || left[size] != '\n') {
        return false;
    }
    const block one{line, fields_of(line), left.substr(0, size), all.size() - left.size()};
    if (!one.fields || PyTuple_GET_SIZE(one.fields.get()) != kinds[found].fields) {
        return false;
    }
    left.remove_prefix(size + 1);
    const ref entry = kinds[found].entry(one);
    return entry && PyList_Append(PyTuple_GET_ITEM(parts, found), entry.get()) == 0;
}

// An empty list for each kind.
ref no_parts() {
    ref parts(PyTuple_New(std::size(kinds)));
    for (Py_ssize_t index = 0; parts && index < PyTuple_GET_SIZE(parts.get()); ++index) {
        ref none(PyList_New(0));
        if (!none) {
            return {};
        }
        PyTuple_SET_ITEM(parts.get(), index, none.release());
    }
    return parts;
}

std::string_view text_in(const contents &of) {
    return {static_cast<const char *>(of.data()), of.size()};
}

PyObject *or_none(ref found) {
    return found || PyErr_Occurred() != nullptr ? found.release() : Py_NewRef(Py_None);
}

} // namespace

PyObject *parse_archive(PyObject *, PyObject *data) {
    const contents held(data, PyBUF_SIMPLE);
    ref parts = held ? no_parts() : ref();
    if (!parts) {
        return nullptr;
    }
    const std::string_view all = text_in(held);
    std::string_view left = all;
    if (!left.starts_with(first_line)) {
        return Py_NewRef(Py_None);
    }
    left.remove_prefix(first_line.size());
    while (!left.starts_with(last_line)) {
        if (!take_block(all, left, parts.get())) {
            return or_none({});
        }
    }
    return parts.release();
}

PyObject *archive_lines(PyObject *, PyObject *data) {
    const contents held(data, PyBUF_SIMPLE);
    ref lines(held ? PyList_New(0) : nullptr);
    if (!lines) {
        return nullptr;
    }
    std::string_view left = text_in(held);
    std::string_view line;
    while (take_line(left, line)) {
        const ref one = field(line);
        if (!one || PyList_Append(lines.get(), one.get()) != 0) {
            return nullptr;
        }
    }
    return left.empty() ? lines.release() : Py_NewRef(Py_None);
}

} // namespace epy
