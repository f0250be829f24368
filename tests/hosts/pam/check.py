"""A module for PAM: whoever says sesame comes in."""

import epy

pam = epy.header(
    "#include <security/pam_modules.h>\n#include <security/pam_ext.h>",
    errors={"int": 4},  # PAM_SYSTEM_ERR
    library="libpam.so.0",
)


@pam.export
def pam_sm_authenticate(handle, flags, count, arguments):
    status, name = pam.pam_get_user(handle, epy.out, None)
    if status != pam.PAM_SUCCESS:
        return status
    status, password = pam.pam_get_authtok(handle, pam.PAM_AUTHTOK, epy.out, None)
    if status != pam.PAM_SUCCESS:
        return status
    if name == b"broken":
        raise RuntimeError("no users today")
    return pam.PAM_SUCCESS if password == b"sesame" else pam.PAM_AUTH_ERR


@pam.export
def pam_sm_setcred(handle, flags, count, arguments):
    return pam.PAM_SUCCESS


@pam.export
def pam_sm_acct_mgmt(handle, flags, count, arguments):
    allowed = [arguments[i] for i in range(count)]
    return pam.PAM_SUCCESS if not allowed or b"open" in allowed else pam.PAM_ACCT_EXPIRED
