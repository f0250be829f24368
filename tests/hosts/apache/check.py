"""A module for Apache's httpd: a handler that adds one to the query."""

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"

httpd = epy.header(
    '#include "httpd.h"\n#include "http_config.h"\n#include "http_protocol.h"',
    define={"LINUX": 2, "_REENTRANT": 1, "_GNU_SOURCE": 1},
    errors={"int": 500},
)


@httpd.callback("int f(request_rec *request)")
def answer(request):
    if request[0].handler != b"check":
        return httpd.DECLINED
    text = f"{add1(int(request[0].args))} by {NAME}".encode()
    httpd.ap_set_content_type(request, b"text/plain")
    httpd.ap_rwrite(text, len(text), request)
    return httpd.OK


@epy.export("int add1(int number)", error=-1)
def add1(number):
    return number + 1


def register_hooks(pool):
    httpd.ap_hook_handler(answer, None, None, httpd.APR_HOOK_MIDDLE)


httpd_module = httpd.module(
    version=httpd.MODULE_MAGIC_NUMBER_MAJOR,
    minor_version=httpd.MODULE_MAGIC_NUMBER_MINOR,
    module_index=-1,
    name="mod_check.c",
    magic=httpd.MODULE_MAGIC_COOKIE,
    register_hooks=register_hooks,
)
epy.export_data("check_module", httpd_module)
