"""`epy inspect --header`: what a header itself declares, in C's words."""

from __future__ import annotations

import json

import pytest

OWN = """
#include "inner.h"
#define OWN_ANSWER 42
#define OWN_SUM(a, b) ((a) + (b))
typedef struct own_point { const char *label; inner_number x; } own_point;
typedef int (*own_callback)(const own_point *point, enum inner_color color);
enum own_kind { OWN_A, OWN_B = 7 };
extern const char *const own_names[2];
static inline void own_inline(void) {}
inner_number own_use(const own_point *point, enum own_kind kind, own_callback call);
#define own_bare own_bare
int (own_bare)(void);
#define own_alias own_use
"""
INNER = """
typedef long inner_number;
enum inner_color { INNER_RED };
struct own_point;
int inner_call(void);
#define INNER_ANSWER 1
"""
LINES = """
functions (3)
  inner_number own_use(const own_point *point, enum own_kind kind, own_callback call)
  int own_bare(void)
  const char *const own_names[2]
  enum own_kind
  struct own_point   16 bytes
  typedef int (*own_callback)(const own_point *, enum inner_color)
  typedef struct own_point own_point
  OWN_A = 0
  OWN_ANSWER = 42
  OWN_B = 7
  OWN_SUM(a, b)
  own_inline: is an inline function, which no library has
5 more of what it includes: --all shows them
"""


@pytest.fixture
def listed(epy, tmp_path):
    (tmp_path / "own.h").write_text(OWN)
    (tmp_path / "inner.h").write_text(INNER)
    return lambda *options: epy("inspect", "--header", "own.h", *options).stdout


def test_what_the_header_itself_declares(listed) -> None:
    shown = listed()
    assert set(LINES.splitlines()) <= set(shown.splitlines())
    assert "inner_call" not in shown
    assert "INNER_RED" not in shown


def test_all_that_it_includes_too(listed) -> None:
    shown = listed("--all")
    for line in ("int inner_call(void)", "INNER_RED = 0", "INNER_ANSWER = 1", "own_names[2]"):
        assert line in shown
    assert "typedef long inner_number" in shown
    assert "--all" not in shown


def test_names_choose(listed) -> None:
    assert listed("own_u*", "OWN_[AB]") == (
        "functions (1)\n"
        "  inner_number own_use(const own_point *point, enum own_kind kind, own_callback call)\n\n"
        "constants (2)\n  OWN_A = 0\n  OWN_B = 7\n"
    )
    assert listed("own_point").startswith("types (2)\n")
    assert listed("inner_call") == "1 more of what it includes: --all shows them\n"
    assert listed("inner_call", "--all") == "functions (1)\n  int inner_call(void)\n"


def test_for_programs(listed) -> None:
    found = json.loads(listed("--json", "own_*"))
    assert found["variables"] == ["const char *const own_names[2]"]


def test_a_name_that_is_not_there_is_one_line(listed, mistake) -> None:
    listed()
    assert mistake("inspect", "--header", "own.h", "nothing*") == (
        "own.h declares nothing like nothing*"
    )
    assert mistake("inspect", "a.so", "b.so") == "name one plugin, or a header with --header"


def test_what_is_included_before_is_not_the_headers_own(listed, tmp_path) -> None:
    (tmp_path / "first.h").write_text("int first_call(void);\n")
    shown = listed("-include", "first.h")
    assert "first_call" not in shown
    assert "own_use" in shown
