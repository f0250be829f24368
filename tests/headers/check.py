"""What epy makes of a C header, against compilers: values, sizes, offsets, bits, prototypes.

A C file asks each compiler about all that epy claims: constants and macros (with arguments: called
with 1, 2, 3...), sizes of types, structs and variables, offset and size of each member, the bytes
of each bit-field, number, size, kind and sign of each function's parameters and result. What a
compiler itself does not compile is left out.
"""

import ctypes
import math
import os
import re
import subprocess
import tempfile

import epy

COMPILERS = ("gcc", "clang")
PART = 20  # questions in a function: what is not declared is told once in each
PROLOGUE = r"""
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
/* What reads memory where epy only computes has no answer. */
static sigjmp_buf epy_next;
static void epy_skip(int signal) { siglongjmp(epy_next, signal); }
static void epy_i(int n, long long v) { printf("%d i %lld\n", n, v); }
static void epy_u(int n, unsigned long long v) { printf("%d i %llu\n", n, v); }
static void epy_d(int n, double v) { printf("%d d %a\n", n, v); }
static void epy_g(int n, long double v) { printf("%d d %a\n", n, (double)v); }
static void epy_p(int n, const void *v) { printf("%d i %llu\n", n, (unsigned long long)v); }
static void epy_x(int n, const void *v, size_t size) {
    printf("%d s ", n);
    for (size_t i = 0; i < size; i++) printf("%02x", ((const unsigned char *)v)[i]);
    printf(".\n");
}
static void epy_s(int n, const char *v) { if (v) epy_x(n, v, strlen(v)); else epy_u(n, 0); }
static void epy_w(int n, const wchar_t *v) {
    if (v) epy_x(n, v, wcslen(v) * sizeof *v); else epy_u(n, 0);
}
#define EPY_SHOW(n, e) _Generic((e), _Bool: epy_u, char: epy_i, signed char: epy_i, short: epy_i, \
    int: epy_i, long: epy_i, long long: epy_i, unsigned char: epy_u, unsigned short: epy_u, \
    unsigned: epy_u, unsigned long: epy_u, unsigned long long: epy_u, float: epy_d, double: epy_d, \
    long double: epy_g, char *: epy_s, const char *: epy_s, const wchar_t *: epy_w, \
    wchar_t *: epy_w, default: epy_p)(n, (e))
/* the kind of a value's type: size, class, sign */
#define EPY_KIND(n, t) printf("%d k %zu %d %d\n", n, sizeof(t), \
    __builtin_classify_type(*(t *)epy_null), EPY_SIGN(t))
#define EPY_SIGN(t) (__builtin_classify_type(*(t *)epy_null) <= 4 ? (int)_Generic(*(t *)epy_null, \
    char: 1, signed char: 1, short: 1, int: 1, long: 1, long long: 1, default: 0) : 0)
static void *volatile epy_null;
"""
INTEGER, POINTER, REAL, COMPLEX, RECORD, UNION = 1, 5, 8, 9, 12, 13


def kind(ctype):
    """Size, class and sign of a ctypes type, as EPY_KIND has them; None for what has none."""
    size = ctypes.sizeof(ctype)
    if issubclass(ctype, ctypes.Array):
        return None
    own = ctype.__dict__.get("_epy_code_")
    if own in ("F", "D"):
        return size, COMPLEX, 0
    if getattr(ctype, "_type_", "") == "?":
        return None  # GCC calls it an integer, Clang a bool
    if issubclass(ctype, ctypes.Structure):
        return size, RECORD, 0
    if issubclass(ctype, ctypes.Union):
        return size, UNION, 0
    code = getattr(ctype, "_type_", "P")
    if not isinstance(code, str) or code in "zZPO" or own is not None:
        return size, POINTER, 0
    if code in "fdg":
        return size, REAL, 0
    return size, INTEGER, int(code in "cbhilqu")


class Questions:
    """Lines of C, each with epy's answer."""

    def __init__(self):
        self.lines = []  # (C, what, expected)

    def ask(self, code, what, expected):
        self.lines.append((code, what, expected))


def constants(host, names, ask):
    for name, found in names.items():
        if found[0] == "c":
            ask(f"EPY_SHOW(@, ({name}));", name, found[1])
        elif found[0] == "m" and "pointer(" not in found[1]:  # numbers lead nowhere
            function = getattr(host, name)
            count = function.__code__.co_argcount
            for arguments in (range(1, count + 1), range(7, 7 + 5 * count, 5)):
                text = f"{name}({', '.join(map(str, arguments))})"
                try:
                    value = function(*arguments)
                except Exception as error:  # what epy itself cannot compute
                    value = error
                if isinstance(value, (ctypes._Pointer, ctypes._CFuncPtr)):
                    continue  # a pointer
                ask(f"EPY_SHOW(@, ({text}));", text, value)


def members(cls):
    for name in cls._epy_types_:
        if name[0] != "#":
            field = getattr(cls, name)
            yield name, getattr(field, "native", field)


def records(host, names, ask):
    spellings = []
    for name, found in names.items():
        word, _, tag = name.partition(" ")
        if tag and found[0] == word and "{" not in name:
            try:
                spellings.append((name, host._classes.make((word, tag))))
            except epy.Error:
                pass
        elif found[0] == "t":
            actual = host._classes.resolved(found[1])
            try:
                cls = host._classes.make(actual) if actual else None
            except epy.Error:
                continue
            if cls is None or actual[0] in "(?":
                continue
            if isinstance(actual, tuple) and actual[0] in ("struct", "union") and "{" in actual[1]:
                spellings.append((name, cls))
            else:
                try:
                    size = ctypes.sizeof(cls)
                except TypeError:
                    continue
                ask(f'printf("@ i %zu\\n", sizeof({name}));', f"sizeof({name})", size)
                if isinstance(actual, str) and kind(cls) and actual not in ("c_wchar", "c_bool"):
                    ask(f"EPY_KIND(@, {name});", f"kind of {name}", kind(cls))
    for name, cls in spellings:
        ask(f'printf("@ i %zu\\n", sizeof({name}));', f"sizeof({name})", ctypes.sizeof(cls))
        if name.startswith("enum "):
            continue
        if not hasattr(cls, "_epy_types_"):
            continue
        for member, field in members(cls):
            if hasattr(field, "shift"):
                bits(name, cls, member, field, ask)
                continue
            place = f"{name}.{member}"
            ask(
                f'printf("@ i %zu\\n", offsetof({name}, {member}));',
                f"offset {place}",
                field.offset,
            )
            inner = f"(({name} *)epy_null)->{member}"
            if hasattr(field, "size"):  # not of an anonymous member's members
                ask(f'printf("@ i %zu\\n", sizeof({inner}));', f"sizeof {place}", field.size)


def bits(name, cls, member, field, ask):
    value = cls()
    full = -1 if field.signed else (1 << field.width) - 1
    try:
        setattr(value, member, full)
        data = bytes(value)
    except Exception as error:
        data = error
    ask(
        f"{{ {name} x; memset(&x, 0, sizeof x); x.{member} = {full}; epy_x(@, &x, sizeof x); }}",
        f"bits {name}.{member}",
        data,
    )


def split(text):
    """A parameter list at its commas."""
    depth, start = 0, 0
    for index, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            yield text[start:index].strip()
            start = index + 1
    yield text[start:].strip()


def prototypes(source, options):
    """The parameters of each function, as gcc prints them."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.c")
        with open(path, "w") as file:
            file.write(source)
        out = os.path.join(folder, "aux")
        subprocess.run(
            ["gcc", "-std=gnu17", "-w", "-aux-info", out, "-fsyntax-only", *options, path],
            check=False,
            capture_output=True,
        )
        text = open(out).read() if os.path.exists(out) else ""
    found = {}
    for line in text.splitlines():
        match = re.match(r"/\* .*?:\d+:\w+ \*/ (.*);", line)
        if not match:
            continue
        body = match[1]
        place = re.search(r"([A-Za-z_]\w*) \(", body)
        while place and body[: place.start()].count("(") != body[: place.start()].count(")"):
            place = re.compile(r"([A-Za-z_]\w*) \(").search(body, place.end())
        if not place:
            continue
        start = place.end()
        depth, end = 1, start
        while depth and end < len(body):
            depth += (body[end] == "(") - (body[end] == ")")
            end += 1
        found[place[1]] = list(split(body[start : end - 1]))
    return found


def functions(host, names, ask, listed):
    missing = 0
    for name, found in names.items():
        if found[0] != "f":
            continue
        try:
            cls = host._classes.make(("*", found[1]))
        except epy.Error:
            continue
        parameters = listed.get(name)
        if parameters is None:
            missing += 1
            continue
        variadic = parameters[-1:] == ["..."]
        parameters = [p for p in parameters if p not in ("...", "void", "/* ??? */")]
        ours = list(cls._argtypes_ or ())
        if len(ours) != len(parameters):
            ask("", f"{name}: parameters {parameters}", len(ours))
            continue
        for index, (ctype, text) in enumerate(zip(ours, parameters, strict=True)):
            expected = kind(ctype)
            if expected:
                ask(f"EPY_KIND(@, __typeof__({text}));", f"{name}: parameter {index + 1}", expected)
        call = f"({name})({', '.join(f'*(__typeof__({text}) *)epy_null' for text in parameters)})"
        del variadic
        if cls._restype_ is None:
            ask(
                f'printf("@ i %d\\n", __builtin_types_compatible_p(__typeof__({call}), void));',
                f"{name}: void",
                1,
            )
        else:
            if expected := kind(cls._restype_):
                ask(f"EPY_KIND(@, __typeof__({call}));", f"{name}: result", expected)
    return missing


def variables(host, names, ask):
    for name, found in names.items():
        if found[0] == "v":
            try:
                size = ctypes.sizeof(host._classes.make(found[1]))
            except (epy.Error, TypeError):
                continue
            if size:
                ask(f'printf("@ i %zu\\n", sizeof({name}));', f"sizeof {name}", size)


# What a macro that is reserved for compilers and their library says may depend on the compiler.
RESERVED = re.compile(r"(sizeof\(|offset |kind of |bits )?(struct |union |enum )?_[_A-Z]")


IN_MACROS = re.compile(r"(kind of )?\w+(\(|$)(?<!sizeof\()")


def answers(compiler, source, questions, options):
    """A compiler's answers by number; of those that it does not compile none."""
    alive = dict(enumerate(questions))
    with tempfile.TemporaryDirectory() as folder:
        path, program = os.path.join(folder, "q.c"), os.path.join(folder, "q")
        for _ in range(60):
            text, owner = program_of(source, alive)
            with open(path, "w") as file:
                file.write(text)
            command = [
                compiler,
                "-std=gnu17",
                "-O0",
                "-w",
                *options,
                "-c",
                path,
                "-o",
                f"{program}.o",
            ]
            command.append("-fmax-errors=0" if compiler == "gcc" else "-ferror-limit=0")
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
            places = re.findall(r"q\.c:(\d+):\d+: (?:error|note)", done.stderr)
            bad = {owner[int(line)] for line in places if int(line) in owner}
            if not bad:
                return {}  # it does not compile the header itself
            for number in bad:
                del alive[number]
        # Undefined symbols are all right: nothing is called.
        command = [compiler, "-no-pie", "-Wl,--unresolved-symbols=ignore-all", "-o", program]
        subprocess.run([*command, f"{program}.o"], check=True, capture_output=True)
        run = subprocess.run([program], capture_output=True, text=True, check=False)
    return {int(row.split()[0]): row.split()[1:] for row in run.stdout.splitlines()}


def program_of(source, alive):
    """The C text of all questions, and the number of the question on each line."""
    head = source + PROLOGUE
    body, owner = [], {}
    line = head.count("\n") + 1
    groups = list(alive.items())
    for start in range(0, len(groups), PART):
        body.append(f"static void epy_part{start}(void) {{")
        line += 1
        for number, (code, _, _) in groups[start : start + PART]:
            body.append(
                "    if (!sigsetjmp(epy_next, 1)) { " + code.replace("@", str(number), 1) + " }"
            )
            owner[line] = number
            line += 1
        body.append("}")
        line += 1
    body.append("int main(void) { setvbuf(stdout, 0, _IOLBF, 0);")
    body.append("    signal(SIGSEGV, epy_skip); signal(SIGFPE, epy_skip);")
    body += [f"    epy_part{start}();" for start in range(0, len(groups), PART)]
    return head + "\n".join([*body, "return 0; }"]) + "\n", owner


def decode(answer, expected):
    tag, *rest = answer
    if tag == "i":
        return int(rest[0])
    if tag == "d":
        return float.fromhex(rest[0])
    if tag == "s":
        data = bytes.fromhex(rest[0].rstrip("."))
        return data.decode("utf-32-le", "replace") if isinstance(expected, str) else data
    return tuple(map(int, rest))


def same(value, expected):
    if expected is None:  # a null pointer
        return value == 0
    if isinstance(expected, bytes) and isinstance(value, bytes) and value != expected:
        return value == expected.partition(b"\0")[0]  # C shows no more of a text
    if isinstance(expected, float) and isinstance(value, float):
        return value == expected or (math.isnan(value) and math.isnan(expected))
    return value == expected and isinstance(value, float) == isinstance(expected, float)


def check(headers, include=(), define=()):
    """How many answers there are, and each difference."""
    text = "".join(f"#include <{name}>\n" for name in headers)
    host = epy.header(text, include=include, define=dict(define))
    names = host._declarations.names
    questions = Questions()
    constants(host, names, questions.ask)
    records(host, names, questions.ask)
    variables(host, names, questions.ask)
    options = [f"-I{folder}" for folder in include]
    source = "".join(f"#define {key} {value}\n" for key, value in define) + text
    functions(host, names, questions.ask, prototypes(source, options))
    found = {it: answers(it, source, questions.lines, options) for it in COMPILERS}
    wrong = []
    for number, (_, what, expected) in enumerate(questions.lines):
        given = {it: decode(of[number], expected) for it, of in found.items() if number in of}
        right = [same(value, expected) for value in given.values()]
        # Where they differ the header asks which compiler it is, or C leaves the value open.
        differ = len(set(map(str, given.values()))) > 1 and IN_MACROS.match(what)
        if not all(right) and not (any(right) and (differ or RESERVED.match(what))):
            wrong.append(f"{what}: epy {expected!r}, {given}")
    assert any(found.values()), "no compiler compiles the header"
    return max(map(len, found.values())), wrong
