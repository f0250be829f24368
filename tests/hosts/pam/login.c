// A program that asks PAM: login USER PASSWORD COUNT. Its settings are in this folder (service
// `check`), the module is loaded and closed COUNT times. Prints how each attempt ended.
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int answer(int count, const struct pam_message **questions, struct pam_response **answers,
                  void *password) {
    (void)questions;
    *answers = calloc(count, sizeof **answers);
    for (int i = 0; i < count; ++i) {
        (*answers)[i].resp = strdup(password);
    }
    return PAM_SUCCESS;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        return 64;
    }
    const struct pam_conv conversation = {answer, argv[2]};
    for (int i = 0; i < atoi(argv[3]); ++i) {
        pam_handle_t *handle = NULL;
        int status = pam_start_confdir("check", argv[1], &conversation, ".", &handle);
        status = status == PAM_SUCCESS ? pam_authenticate(handle, 0) : status;
        status = status == PAM_SUCCESS ? pam_acct_mgmt(handle, 0) : status;
        printf("%s\n", pam_strerror(handle, status));
        fflush(stdout);
        pam_end(handle, status);
    }
    return 0;
}
