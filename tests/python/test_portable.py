"""What ties epy's libraries to a machine: the C library that they need, and nothing else."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.sections import SymbolTableSection

PACKAGE = Path(os.environ["EPY_BUILD_DIR"]) / "python/epy"
LIBRARIES = ["libepy.so", *(path.name for path in PACKAGE.glob("_core.*.so")), "stub.so"]

# Those of any machine whose C library is glibc.
SYSTEM = {"libc.so.6", "ld-linux-x86-64.so.2", "libgcc_s.so.1"}
OLDEST = (2, 34)  # glibc of manylinux_2_34

# What glibc's headers give another name, of glibc 2.38, where they are new enough (atoi is strtol
# there), or what older ones lack: the libraries would then depend on where they were compiled.
NAMED_BY_HEADERS = re.compile(
    r"(__isoc\d+_)?(v?[fs]?w?scanf|(str|wcs)to(u?ll?|[iu]max)|ato(i|ll?))|arc4random.*"
)


@pytest.mark.parametrize("name", LIBRARIES)
def test_it_needs_the_c_library_alone_in_a_version_that_every_system_has(name):
    with open(PACKAGE / name, "rb") as file:
        sections = list(ELFFile(file).iter_sections())
        needed = {
            tag.needed
            for section in sections
            if isinstance(section, DynamicSection)
            for tag in section.iter_tags("DT_NEEDED")
        }
        versions = [
            auxiliary.name
            for section in sections
            if isinstance(section, GNUVerNeedSection)
            for _, auxiliaries in section.iter_versions()
            for auxiliary in auxiliaries
        ]
    assert needed <= SYSTEM
    newer = [
        version
        for version in versions
        if version.startswith("GLIBC_")
        and tuple(map(int, version.removeprefix("GLIBC_").split("."))) > OLDEST
    ]
    assert newer == []


@pytest.mark.parametrize("name", LIBRARIES)
def test_it_needs_no_function_whose_name_depends_on_the_headers(name):
    with open(PACKAGE / name, "rb") as file:
        needed = {
            symbol.name
            for section in ELFFile(file).iter_sections()
            if isinstance(section, SymbolTableSection) and section["sh_type"] == "SHT_DYNSYM"
            for symbol in section.iter_symbols()
            if symbol["st_shndx"] == "SHN_UNDEF"
        }
    assert [symbol for symbol in sorted(needed) if NAMED_BY_HEADERS.fullmatch(symbol)] == []
