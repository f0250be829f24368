"""C's and POSIX's own type names: known in C text that does not declare them itself.

C text in documentation rarely has the #include lines that it needs.
"""

from __future__ import annotations

_ALIASES = {
    "_Bool": "bool",
    "signed char": "int8_t int_least8_t int_fast8_t",
    "unsigned char": "uint8_t uint_least8_t uint_fast8_t u_int8_t u_char",
    "short": "int16_t int_least16_t",
    "unsigned short": (
        "uint16_t uint_least16_t u_int16_t u_short ushort char16_t sa_family_t in_port_t"
    ),
    "int": "int32_t int_least32_t pid_t key_t clockid_t",
    "unsigned int": (
        "uint32_t uint_least32_t u_int32_t u_int uint char32_t wint_t mode_t uid_t gid_t id_t "
        "useconds_t socklen_t in_addr_t"
    ),
    "long": (
        "int64_t int_least64_t int_fast16_t int_fast32_t int_fast64_t intptr_t intmax_t ptrdiff_t "
        "ssize_t off_t off64_t loff_t time_t clock_t suseconds_t blksize_t blkcnt_t"
    ),
    "unsigned long": (
        "uint64_t uint_least64_t uint_fast16_t uint_fast32_t uint_fast64_t u_int64_t uintptr_t "
        "uintmax_t size_t u_long ulong dev_t ino_t ino64_t nlink_t pthread_t"
    ),
    "void": "FILE DIR",  # only behind pointers
    "__builtin_va_list": "va_list",
    "wchar_t": "wchar_t",
    "PyObject": "PyObject",
    # GCC's own.
    "__float128": "_Float128",
    "float": "_Float32",
    "double": "_Float64 _Float32x",
    "long double": "_Float64x __float80",
}

STANDARD = {name: text for text, names in _ALIASES.items() for name in names.split()}
"""The name of a type -> the C type that it stands for on x86-64."""

HEADERS = {
    "fd_set": "sys/select.h",
    "fpos_t": "stdio.h",
    "jmp_buf": "setjmp.h",
    "locale_t": "locale.h",
    "mbstate_t": "wchar.h",
    "pthread_cond_t": "pthread.h",
    "pthread_key_t": "pthread.h",
    "pthread_mutex_t": "pthread.h",
    "sem_t": "semaphore.h",
    "siginfo_t": "signal.h",
    "sigset_t": "signal.h",
}
"""Where others come from, for messages."""
