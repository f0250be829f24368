"""Where the names of the package are that it takes from its modules when a script uses them."""

HOMES = {
    **dict.fromkeys(
        (
            "c_bool c_byte c_char c_char_p c_double c_float c_int c_int8 c_int16 c_int32 "
            "c_int64 c_long c_longdouble c_longlong c_short c_size_t c_ssize_t c_ubyte c_uint "
            "c_uint8 c_uint16 c_uint32 c_uint64 c_ulong c_ulonglong c_ushort c_void_p c_wchar "
            "c_wchar_p py_object Pointer "
        ).split(),
        "_host.annotations",
    ),
    **dict.fromkeys(
        (
            "ArgumentError BindingsError ConstantError Error ExportNameError FieldError "
            "HeaderError HeaderNameError InvalidHandleError LayoutError MisfitError "
            "PluginFormatError PythonNotFoundError RangeError ReloadError ScriptError "
            "SignatureError StampError SymbolNotFoundError UnknownFieldError UnloadedError "
            "UntrustedFileError ViewError "
        ).split(),
        "_errors",
    ),
    "Report": "_report",
    "print_report": "_report",
    "Bindings": "_exports.bindings",
    "Buffer": "_types",
    "Header": "_header",
    "Consumed": "_host.objects",
    "Object": "_host.objects",
    "VaList": "_host.va_list",
    "address": "_host.address",
    "c_double_complex": "_host.values",
    "c_float_complex": "_host.values",
    "c_str": "_host.values",
    "call": "_host.calls",
    "callback": "_export",
    "constant": "_exports.constant",
    "export": "_export",
    "export_address": "_exports.addresses",
    "export_data": "_exports.data",
    "format": "_host.va_list",
    "get_errno": "_host.error_number",
    "header": "_header",
    "host_class": "_host.host_classes",
    "methods": "_host.methods",
    "next_function": "_exports.addresses",
    "out": "_headers.out",
    "put": "_host.put",
    "release": "_host.objects",
    "reload": "_running.reloading",
    "set_errno": "_host.error_number",
    "tail_call": "_host.calls",
}
"""The module of each."""

THERE = ("NativeFunction", "Plugin", "error_hook", "on_load", "on_reload", "on_unload", "view")
"""Those that are there from the first."""
