"""A name service for glibc: users of your own for `id`, `ls -l`, `getent`.

    epy build NAME.py -o libnss_NAME.so.2
    LD_LIBRARY_PATH=. getent -s NAME passwd alice

glibc loads it into every program that asks for users, also those with raised privileges, where epy
runs only files that nobody but root can change.
"""

import errno
from ctypes import c_void_p
from typing import NamedTuple

import epy

nss = epy.header(
    """
    #include <nss.h>
    #include <pwd.h>
    enum nss_status _nss_NAME_getpwnam_r(
        const char *name, struct passwd *entry, char *buffer, size_t size, int *error);
    enum nss_status _nss_NAME_getpwuid_r(
        uid_t id, struct passwd *entry, char *buffer, size_t size, int *error);
    """,
    errors={"enum nss_status": "NSS_STATUS_UNAVAIL"},
)


class User(NamedTuple):
    name: str
    id: int
    home: str


USERS = [User("alice", 4242, "/nowhere")]


def find(name: str | None = None, id: int | None = None) -> User | None:
    return next((user for user in USERS if name == user.name or id == user.id), None)


def answer(user, entry, buffer, size, error):
    """Texts go into the caller's buffer; if that is too small it comes with a larger one."""
    if user is None:
        error[0] = errno.ENOENT
        return nss.NSS_STATUS_NOTFOUND
    texts = {
        "pw_name": user.name,
        "pw_passwd": "x",
        "pw_gecos": user.name.title(),
        "pw_dir": user.home,
        "pw_shell": "/bin/sh",
    }
    if sum(len(text.encode()) + 1 for text in texts.values()) > size:
        error[0] = errno.ERANGE
        return nss.NSS_STATUS_TRYAGAIN
    end = buffer + size
    for field, text in texts.items():
        setattr(entry, field, buffer)
        buffer += epy.put(text, buffer, end - buffer) + 1
    entry.pw_uid = entry.pw_gid = user.id
    return nss.NSS_STATUS_SUCCESS


@nss.export
def _nss_NAME_getpwnam_r(name, entry, buffer: c_void_p, size, error):
    return answer(find(name=name.decode()), entry, buffer, size, error)


@nss.export
def _nss_NAME_getpwuid_r(uid, entry, buffer: c_void_p, size, error):
    return answer(find(id=uid), entry, buffer, size, error)
