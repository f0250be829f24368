"""Text in signatures: UTF-8 and wide, as arguments, results, fields and exported data."""

from __future__ import annotations

import pytest

UTF8 = """
@epy.export
def upper(text: epy.c_str) -> epy.c_str:
    return None if text is None else text.upper()
"""


def test_utf8_text_is_str_in_both_directions(check):
    lines, errors = check(
        """
void run(void) {
    char *(*upper)(const char *) = F(char *(*)(const char *), "upper");
    puts(upper("h\\xc3\\xa4\\xc3\\x9flich \\xe2\\x82\\xac"));
    puts(upper(NULL) == NULL ? "NULL" : "text");
}
""",
        UTF8,
    )
    assert (lines, errors) == (["HÄSSLICH €", "NULL"], "")


def test_text_that_is_no_utf8_is_an_error_with_its_position(check):
    lines, errors = check(
        """
void run(void) {
    puts(F(char *(*)(const char *), "upper")("ab\\xff") == NULL ? "NULL" : "text");
}
""",
        UTF8,
    )
    assert lines == ["NULL"]
    assert "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 2" in errors


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
@pytest.mark.parametrize(
    ("result", "error"),
    [
        (r"'a\0b'", r"ValueError: 'a\x00b' has a NUL, where a C string ends"),
        (r"'\ud800'", "UnicodeEncodeError: 'utf-8' codec can't encode character"),
        (
            "b'bytes'",
            "epy._errors.MisfitError: expected a str or None (bytes are c_char_p), got b'bytes'",
        ),
    ],
)
def test_a_str_that_c_cannot_have_gives_the_error_value(check, result, error):
    script = f"""
@epy.export(CFUNCTYPE(epy.c_str), error="größer")
def text():
    return {result}
"""
    lines, errors = check('void run(void) { puts(F(char *(*)(void), "text")()); }', script)
    assert lines == ["größer"]
    assert error in errors


def test_a_struct_field_of_utf8_text(check):
    lines, errors = check(
        """
struct info { const char *name; int length; };
void run(void) {
    struct info info = {"\\xc3\\xa9", 0};
    F(void (*)(struct info *), "fill")(&info);
    printf("%s %d\\n", info.name, info.length);
}
""",
        """
class Info(Structure):
    _fields_ = [("name", epy.c_str), ("length", c_int)]

@epy.export
def fill(info: POINTER(Info)) -> None:
    info = info.contents
    info.length = len(info.name.value)
    print(repr(info.name))
    kept.append(epy.c_str("größer"))
    info.name = kept[0]

kept = []
""",
    )
    assert (lines, errors) == (["c_str('é')", "größer 1"], "")


def test_exported_data_with_utf8_text_is_in_the_file(check):
    """Python never starts: its script would fail."""
    lines, errors = check(
        """
struct info { const char *name; int length; };
void run(void) {
    puts(*F(const char **, "title"));
    puts(F(struct info *, "info")->name);
}
""",
        """
class Info(Structure):
    _fields_ = [("name", epy.c_str), ("length", c_int)]

epy.export_data("title", epy.c_str("Häßlich"))
epy.export_data("info", Info(epy.c_str("größer"), 7))
assert epy.building
""",
    )
    assert (lines, errors) == (["Häßlich", "größer"], "")


def test_wide_text_is_str_in_both_directions(check):
    lines, errors = check(
        """
void run(void) {
    wchar_t *(*twice)(const wchar_t *, wchar_t) =
        F(wchar_t *(*)(const wchar_t *, wchar_t), "twice");
    const wchar_t *text = twice(L"a\\u20ac", 0x1f40d);
    printf("%zu %x %x %x\\n", wcslen(text), text[0], text[1], text[2]);
    puts(twice(NULL, L'x') == NULL ? "NULL" : "text");
}
""",
        """
@epy.export("wchar_t *twice(const wchar_t *text, wchar_t end)")
def twice(text, end):
    return text and (text + end) * 2
""",
    )
    assert (lines, errors) == (["6 61 20ac 1f40d", "NULL"], "")


def test_returned_text_stays_until_the_same_export_s_next_return_on_that_thread(check):
    """Other exports and other threads do not touch it."""
    lines, errors = check(
        """
typedef const char *text(int);
static void *in_thread(void *function) {
    puts(((text *)function)(9));
    return NULL;
}
void run(void) {
    text *one = F(text *, "one"), *two = F(text *, "two");
    const char *first = one(1), *other = two(2);
    pthread_t thread;
    pthread_create(&thread, NULL, in_thread, one);
    pthread_join(thread, NULL);
    for (int i = 0; i < 100; ++i) {
        two(3);
    }
    printf("%.30s\\n", first);
    (void)other;
}
""",
        """
def text(number):
    return f"text {number} " * 1000

one = epy.export(CFUNCTYPE(epy.c_str, c_int), name="one")(text)
two = epy.export(CFUNCTYPE(c_char_p, c_int), name="two")(lambda number: text(number).encode())
""",
    )
    assert lines[0].startswith("text 9 text 9 ")
    assert (lines[1], errors) == ("text 1 text 1 text 1 text 1 te", "")
