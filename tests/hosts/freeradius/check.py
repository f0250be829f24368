"""A module for FreeRADIUS, which lets everybody pass and counts them.

Its header needs files that no package has: what is used of it is here.
"""

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"

radius = epy.header(
    """
    #include <stdint.h>
    #define RADIUSD_MAGIC_NUMBER ((uint64_t)VERSION)  /* as epy build -D gives it */
    enum { MOD_AUTHORIZE = 1, MOD_COUNT = 10 };
    enum rlm_rcodes { RLM_MODULE_REJECT, RLM_MODULE_FAIL, RLM_MODULE_OK };
    typedef struct module_t {
        uint64_t magic;
        char const *name;
        int type;
        size_t inst_size;
        void const *config;
        int (*bootstrap)(void *section, void *instance);
        int (*instantiate)(void *section, void *instance);
        int (*detach)(void *instance);
        enum rlm_rcodes (*methods[MOD_COUNT])(void *instance, void *request);
    } module_t;
    """,
    errors={"int": -1, "enum rlm_rcodes": "RLM_MODULE_FAIL"},
)
requests = 0


def said(text):
    with open("said", "a", encoding="utf-8") as file:
        file.write(f"epy of {NAME}: {text}\n")


def instantiate(section, instance):
    said("instantiate")
    return 0


def authorize(instance, request):
    global requests
    requests += 1
    if requests == 50:
        said(f"{requests} requests")
    return radius.RLM_MODULE_OK


methods = [None] * radius.MOD_COUNT
methods[radius.MOD_AUTHORIZE] = authorize
epy.export_data(
    "rlm_check",
    radius.module_t(
        magic=radius.RADIUSD_MAGIC_NUMBER,
        name="check",
        instantiate=instantiate,
        methods=methods,
    ),
)
