"""A PKCS#11 token: six functions of the header, all others say that they are not supported."""

import epy

p11 = epy.header("p11-kit-1/p11-kit/pkcs11.h", errors={"CK_RV": "CKR_GENERAL_ERROR"})
OK, SLOT = p11.CKR_OK, 7


def padded(text, size):
    return text.encode().ljust(size)


@p11.export
def C_Initialize(arguments):
    return OK


@p11.export
def C_Finalize(reserved):
    return OK


@p11.export
def C_GetInfo(info):
    info[0] = {
        "cryptokiVersion": (2, 40),
        "manufacturerID": padded("epy", 32),
        "libraryDescription": padded("A token in Python", 32),
        "libraryVersion": {"major": 1},
    }
    return OK


@p11.export
def C_GetSlotList(present, slots, count):
    if slots:
        slots[0] = SLOT
    count[0] = 1
    return OK


@p11.export
def C_GetTokenInfo(slot, info):
    if slot != SLOT:
        raise LookupError(slot)
    info.label = padded("check", 32)
    info.flags = p11.CKF_TOKEN_INITIALIZED
    return OK


@p11.export
def C_GetFunctionList(functions):
    functions[0] = table
    return OK


functions = p11.export_missing("C_*", error="CKR_FUNCTION_NOT_SUPPORTED")
# A newer header declares functions that only its newer tables have.
fields = [name for name, *_ in p11.CK_FUNCTION_LIST._fields_]
table = p11.CK_FUNCTION_LIST(
    version=(2, 40), **{name: functions[name] for name in fields if name in functions}
)
