"""A name service for glibc: one user, written into the buffer that the caller brings."""

import errno
from ctypes import c_void_p

import epy

nss = epy.header(
    """
    #include <nss.h>
    #include <pwd.h>
    enum nss_status _nss_check_getpwnam_r(
        const char *name, struct passwd *entry, char *buffer, size_t size, int *error);
    enum nss_status _nss_check_getpwuid_r(
        uid_t id, struct passwd *entry, char *buffer, size_t size, int *error);
    """,
    errors={"enum nss_status": -1},  # NSS_STATUS_UNAVAIL
)

NAME, ID = b"pyuser", 4242
TEXTS = {
    "pw_name": NAME.decode(),
    "pw_passwd": "x",
    "pw_gecos": "Py",
    "pw_dir": "/nowhere",
    "pw_shell": "/bin/sh",
}


def answer(found, entry, buffer, size, error):
    if not found:
        error[0] = errno.ENOENT
        return nss.NSS_STATUS_NOTFOUND
    if sum(len(text) + 1 for text in TEXTS.values()) > size:
        error[0] = errno.ERANGE  # the caller comes again with more room
        return nss.NSS_STATUS_TRYAGAIN
    end = buffer + size
    for field, text in TEXTS.items():
        setattr(entry, field, buffer)
        buffer += epy.put(text, buffer, end - buffer) + 1
    entry.pw_uid = entry.pw_gid = ID
    return nss.NSS_STATUS_SUCCESS


@nss.export
def _nss_check_getpwnam_r(name, entry, buffer: c_void_p, size, error):
    return answer(name == NAME, entry, buffer, size, error)


@nss.export
def _nss_check_getpwuid_r(uid, entry, buffer: c_void_p, size, error):
    return answer(uid == ID, entry, buffer, size, error)
