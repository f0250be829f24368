#include <wchar.h>
static const char ZERO[] = "a\0b";
static const char QUOTED[] __attribute__((aligned(8))) = "a = \"b\"" "\x80" "1";
static const char *const POINTER = "ab";
static const wchar_t WIDE[] = L"\x20ac" L"b";
static const wchar_t *const WIDE_POINTER = L"ab";
