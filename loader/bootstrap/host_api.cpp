// The functions of epy.h as a table, for hosts that are not linked with libepy.so.
#include "loader/include/epy.h"

extern "C" {

EPY_API extern const epy_api epy_host_api;

#define EPY_MEMBER(name) .name = epy_##name
const epy_api epy_host_api = {
    .version = EPY_API_VERSION,
    .size = sizeof(epy_api),
    EPY_MEMBER(plugin_of),
    EPY_MEMBER(plugin_state),
    EPY_MEMBER(start),
    EPY_MEMBER(unload),
    EPY_MEMBER(set_python),
    EPY_MEMBER(each_export),
    EPY_MEMBER(last_error_info),
    EPY_MEMBER(last_error),
    EPY_MEMBER(error_matches),
    EPY_MEMBER(clear_error),
    EPY_MEMBER(raise),
    EPY_MEMBER(raise_va),
    EPY_MEMBER(raise_errno),
    EPY_MEMBER(raise_again),
    EPY_MEMBER(set_log),
    EPY_MEMBER(object_retain),
    EPY_MEMBER(object_release),
    EPY_MEMBER(object_refcount),
    EPY_MEMBER(object_is),
    EPY_MEMBER(object_class),
    EPY_MEMBER(weak),
    EPY_MEMBER(weak_lock),
    EPY_MEMBER(build),
    EPY_MEMBER(build_va),
    EPY_MEMBER(parse),
    EPY_MEMBER(parse_va),
    EPY_MEMBER(call),
    EPY_MEMBER(call_va),
    EPY_MEMBER(call_kw),
    EPY_MEMBER(call_kw_va),
    EPY_MEMBER(call_into),
    EPY_MEMBER(call_into_va),
    EPY_MEMBER(call_object),
    EPY_MEMBER(call_object_va),
    EPY_MEMBER(call_method),
    EPY_MEMBER(call_method_va),
    EPY_MEMBER(get),
    EPY_MEMBER(set),
    EPY_MEMBER(register_class),
    EPY_MEMBER(wrap),
    EPY_MEMBER(unwrap),
    EPY_MEMBER(share),
    EPY_MEMBER(forget),
    EPY_MEMBER(enter),
    EPY_MEMBER(leave),
    EPY_MEMBER(pause),
    EPY_MEMBER(resume),
    EPY_MEMBER(callback_retain),
    EPY_MEMBER(callback_release),
    EPY_MEMBER(callback_is_live),
    EPY_MEMBER(callback_new),
    EPY_MEMBER(keep_alive),
    EPY_MEMBER(memory),
    EPY_MEMBER(buffer),
};
#undef EPY_MEMBER

} // extern "C"
