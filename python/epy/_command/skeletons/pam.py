"""A module for PAM (login, sudo, sshd): whoever knows the word comes in.

    epy build NAME.py
    echo 'auth required /path/to/NAME.so' | sudo tee /etc/pam.d/NAME-test

The headers come with the package libpam0g-dev. PAM runs in programs with raised privileges, where
epy runs only files that nobody but root can change: install the plugin, epy and the script so.
"""

import hmac
from ctypes import byref, c_char_p

import epy

pam = epy.header(
    "#include <security/pam_modules.h>\n#include <security/pam_ext.h>\n",
    errors={"int": "PAM_SYSTEM_ERR"},  # an exception lets nobody in
)


def may_enter(word: bytes | None) -> bool:
    return hmac.compare_digest(word or b"", b"sesame")


@pam.export
def pam_sm_authenticate(handle, flags, count, arguments):
    word = c_char_p()
    status = pam.pam_get_authtok(handle, pam.PAM_AUTHTOK, byref(word), None)
    if status != pam.PAM_SUCCESS:
        return status
    return pam.PAM_SUCCESS if may_enter(word.value) else pam.PAM_AUTH_ERR


# The other functions of a module: "it is none of mine".
pam.export_missing("pam_sm_*", error="PAM_IGNORE")
