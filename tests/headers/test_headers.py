"""Headers of real libraries: all that epy says of each is what GCC and Clang say.

By default those of packages that `tests/setup.sh` installs. All of them, with their packages, by

    tests/setup.sh headers && ctest --preset dev -C headers -L headers
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from check import check


class Real(NamedTuple):
    package: str
    headers: str
    pkg: str = ""  # as pkg-config calls it
    define: tuple[tuple[str, str], ...] = ()


ALWAYS = [
    Real("libc6-dev", "stdio.h stdlib.h string.h unistd.h fcntl.h"),
    Real("libc6-dev", "sys/socket.h netinet/in.h netdb.h", define=(("_GNU_SOURCE", "1"),)),
    Real("linux-libc-dev", "linux/types.h linux/input.h linux/kvm.h"),
    Real("liblua5.4-dev", "lua5.4/lua.h lua5.4/lualib.h lua5.4/lauxlib.h"),
    Real("libsqlite3-dev", "sqlite3ext.h"),
    Real("ladspa-sdk", "ladspa.h"),
    Real("libp11-kit-dev", "p11-kit-1/p11-kit/pkcs11.h"),
    Real("libfuse3-dev", "fuse3/fuse_lowlevel.h", define=(("FUSE_USE_VERSION", "31"),)),
    Real("gawk", "stdio.h sys/types.h sys/stat.h stddef.h string.h errno.h gawkapi.h"),
    Real("make", "gnumake.h"),
    Real("nbdkit-plugin-dev", "nbdkit-plugin.h", define=(("NBDKIT_API_VERSION", "2"),)),
    Real("frei0r-plugins-dev", "frei0r.h"),
    Real("libffi-dev", "ffi.h"),
]
OTHERS = [
    Real("libc6-dev", "elf.h link.h"),
    Real("libc6-dev", "signal.h pthread.h semaphore.h time.h"),
    Real("libc6-dev", "math.h complex.h fenv.h float.h"),
    Real("libc6-dev", "termios.h sys/ioctl.h sys/stat.h sys/mman.h"),
    Real("linux-libc-dev", "linux/bpf.h linux/perf_event.h"),
    Real("linux-libc-dev", "linux/videodev2.h"),
    Real("libssl-dev", "openssl/ssl.h"),
    Real("libssl-dev", "openssl/evp.h openssl/x509v3.h"),
    Real("libglib2.0-dev", "glib.h", "glib-2.0"),
    Real("libglib2.0-dev", "gio/gio.h", "gio-2.0"),
    Real("libgstreamer1.0-dev", "gst/gst.h", "gstreamer-1.0"),
    Real("zlib1g-dev", "zlib.h"),
    Real("libbz2-dev", "stdio.h bzlib.h"),
    Real("liblzma-dev", "lzma.h"),
    Real("libbrotli-dev", "brotli/encode.h brotli/decode.h"),
    Real("libpng-dev", "png.h"),
    Real("libjpeg62-turbo-dev", "stdio.h jpeglib.h"),
    Real("libfreetype-dev", "ft2build.h freetype/freetype.h", "freetype2"),
    Real("libfontconfig-dev", "fontconfig/fontconfig.h"),
    Real("libexpat1-dev", "expat.h"),
    Real("libxml2-dev", "libxml/parser.h libxml/xpath.h", "libxml-2.0"),
    Real("libxslt1-dev", "libxslt/xslt.h libxslt/transform.h", "libxslt"),
    Real("libyaml-dev", "yaml.h"),
    Real("libcurl4-openssl-dev", "curl/curl.h"),
    Real("libpq-dev", "libpq-fe.h", "libpq"),
    Real("libldap-dev", "ldap.h"),
    Real("libgnutls28-dev", "gnutls/gnutls.h"),
    Real("libgcrypt20-dev", "gcrypt.h"),
    Real("nettle-dev", "nettle/aes.h nettle/rsa.h"),
    Real("libgmp-dev", "gmp.h"),
    Real("libtasn1-6-dev", "libtasn1.h"),
    Real("libidn2-dev", "idn2.h"),
    Real("libnss3-dev", "nss.h pk11pub.h", "nss"),
    Real("libnspr4-dev", "nspr.h", "nspr"),
    Real("libreadline-dev", "stdio.h readline/readline.h"),
    Real("libncurses-dev", "curses.h"),
    Real("libpcre2-dev", "pcre2.h", define=(("PCRE2_CODE_UNIT_WIDTH", "8"),)),
    Real("libicu-dev", "unicode/utypes.h unicode/ustring.h"),
    Real("uuid-dev", "uuid/uuid.h"),
    Real("libblkid-dev", "blkid/blkid.h"),
    Real("libmount-dev", "libmount/libmount.h"),
    Real("libselinux1-dev", "selinux/selinux.h"),
    Real("libcap-dev", "sys/capability.h"),
    Real("libelf-dev", "libelf.h gelf.h"),
    Real("libdw-dev", "dwarf.h elfutils/libdw.h"),
    Real("libunwind-dev", "libunwind.h"),
    Real("libtirpc-dev", "rpc/rpc.h", "libtirpc"),
    Real("libmagic-dev", "magic.h"),
    Real("libtalloc-dev", "talloc.h"),
    Real("libz3-dev", "z3.h"),
    Real("libx11-dev", "X11/Xlib.h X11/Xutil.h"),
    Real("libxcb1-dev", "xcb/xcb.h"),
    Real("libxt-dev", "X11/Intrinsic.h"),
    Real("libgl-dev", "GL/gl.h GL/glx.h"),
    Real("libegl-dev", "EGL/egl.h"),
    Real("tcl8.6-dev", "tcl8.6/tcl.h"),
    Real("python3-dev", "Python.h", "python3"),
    Real("apache2-dev", "apr_pools.h", "apr-1"),
    Real("weechat-dev", "stddef.h sys/types.h time.h weechat/weechat-plugin.h"),
]
CHOSEN = ALWAYS + OTHERS if os.environ.get("EPY_REAL_HEADERS") == "all" else ALWAYS


@pytest.mark.parametrize("real", CHOSEN, ids=lambda real: real.headers.rpartition(" ")[2])
def test_a_real_header_has_what_compilers_say(real: Real) -> None:
    include = []
    if real.pkg:
        command = ["pkg-config", "--cflags-only-I", real.pkg]
        given = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        include = [it.removeprefix("-I") for it in given.split()]
    count, wrong = check(real.headers.split(), include, real.define)
    assert (count > 1, wrong) == (True, [])
