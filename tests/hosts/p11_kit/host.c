// p11-kit's library loads the module, initializes it and asks it like any program does.
#include <p11-kit/p11-kit.h>
#include <stdio.h>

int main(int argc, char **argv) {
    CK_FUNCTION_LIST *module = p11_kit_module_load(argc > 1 ? argv[1] : "./check.so", 0);
    if (!module || p11_kit_module_initialize(module) != CKR_OK) {
        puts(p11_kit_message());
        return 2;
    }
    CK_INFO info;
    CK_ULONG count = 1;
    CK_SLOT_ID slot = 0;
    CK_TOKEN_INFO token;
    CK_SESSION_HANDLE session;
    module->C_GetInfo(&info);
    printf("%.17s %d.%d\n", info.libraryDescription, info.libraryVersion.major,
           info.cryptokiVersion.minor);
    module->C_GetSlotList(CK_TRUE, &slot, &count);
    module->C_GetTokenInfo(slot, &token);
    printf("%lu: slot %lu, %.5s, %#lx\n", count, slot, token.label, token.flags);
    printf("%s\n", p11_kit_strerror(module->C_GetTokenInfo(1, &token)));
    printf("%s\n", p11_kit_strerror(module->C_OpenSession(slot, 0, NULL, NULL, &session)));
    printf("%s\n", p11_kit_strerror(module->C_WaitForSlotEvent(0, &slot, NULL)));
    p11_kit_module_finalize(module);
    p11_kit_module_release(module);
}
