"""The C++ core: native callbacks, and the plugin that a script runs in.

Long because it is the stub of one module.

Signatures cross this line as text: one code for the result, then one for each parameter. The codes
are those of ctypes' simple types (`c_int._type_` is "i", and so on), "v" for a void result.

    ? c_bool   c c_char  b c_byte   B c_ubyte     h c_short  H c_ushort  i c_int  I c_uint
    l c_long   L c_ulong q c_longlong  Q c_ulonglong  f c_float  d c_double  u c_wchar
    z c_char_p Z c_wchar_p  P c_void_p  O py_object
    g c_longdouble  F epy.c_float_complex  D epy.c_double_complex  s epy.c_str
    @ a handle, the class is that of the object   ~ a handle that the host gives back
    . behind all that registers hold: the address where the caller's stack has further values

A struct or union by value is "{16,8;i0;d8}": its size and alignment, then the code and the offset
of each scalar in it. Of more than 16 bytes it travels in memory, and needs no scalars.

`classes` has an entry for the result and for each parameter: None for a plain simple type,
otherwise the ctypes class whose instance the Python function receives (POINTER(T), a subclass of a
simple type, a function pointer type); its code is that of the storage ("P" for every pointer). For
a parameter of an integer type it may be a dict: the function receives what that has under the value
(`dict[value]`: a subclass's `__missing__` is asked too).
"""

import os
from _ctypes import CFuncPtr
from collections.abc import Callable
from types import FrameType
from typing import Any

reuses_arguments: bool
"""Whether calls write their arguments into the objects of the last call: see call/reuse.h."""

class NativeFunction:
    """A Python function that C can call: what `epy.export` and `epy.callback` return.

    Called from Python it runs the Python function directly. It fits wherever epy or ctypes wants a
    function pointer as an argument or a result. Made from a ctypes function type, or where the
    script has imported ctypes before, it is an instance of that type and fits a field of a ctypes
    struct too; else `as_ctypes()` gives one.
    """

    __name__: str
    __qualname__: str
    __wrapped__: Callable[..., Any]
    @property
    def address(self) -> int:
        """What C calls."""
    callback: Callback
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any: ...
    def as_ctypes(self) -> Any:
        """The function as an instance of its ctypes function type, which keeps the callback."""

class Callback(NativeFunction):
    """A native function with a C signature that runs a Python callable.

    It has a trampoline of its own (`address`), taken on first use. When the object dies the
    trampoline becomes a tombstone that returns the error value.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        signature: str,
        classes: tuple[type | dict[int, int] | tuple[type | None, int, bool] | None, ...],
        error: Any = None,
        label: str = "",
        plugin: NativePlugin | None = None,
        error_of: Callable[[BaseException], Any] | None = None,
        sets_errno: bool = False,
    ) -> None:
        """`error` is converted like a result (None: zero); an exception if it does not fit.
        `error_of` gives what the host receives for an exception; `error` is for when there is none.
        `sets_errno`: an OSError that leaves the function sets the host's errno to its number.
        """
    function: Callable[..., Any]
    label: str
    types: list[type | str]
    """The class or the code of the result and of each parameter."""
    def adopt(self, other: Callback, /) -> None:
        """Who calls the other one, of the same signature, reaches this one from now on."""
    def remove(self) -> None:
        """Calls get the error value and are reported once; the address stays this one's."""
    def exchange(self, function: Callable[..., Any], /) -> bool:
        """Run that function from now on. False, and no change, if not both are Python functions."""
    @property
    def error_value(self) -> tuple[int, bytes, bytes | None, int, str, type | None, Any]:
        """For the stamper: the result class, the 16 bytes of a record's `error` with the addresses
        of this process, the struct that they lead to, `error_size`; the result's code ("{" for a
        struct) and its class, and the object that keeps what pointers lead to."""

class NativePlugin:
    """A loaded plugin as the loader knows it. Made by the loader, never by Python."""

    path: str
    script: str | None
    """Of a bare plugin: the script that lies beside it."""
    inside_dlopen: bool
    """Its script starts while this thread holds the dynamic loader's lock."""
    @property
    def loaded(self) -> bool:
        """Whether the host has it: false from its dlclose on, which may be before `unload`."""
    archive: memoryview
    """The bytes that `epy build` stored; empty for a bare plugin. Released once it has started."""
    def read_archive(self, begin: int, end: int, /) -> bytes | None:
        """Some of them at any time; None if the plugin has been unloaded."""
    def trampoline(self, index: int) -> int:
        """The address that the host calls for slot `index`."""
    def publish(self, index: int, target: Callback | int) -> None:
        """Let slot `index` lead to a callback or a native address."""
    def begin_start(
        self, functions: bytes, fields: tuple[str, ...], offered: dict[str, Any], /
    ) -> None:
        """The script runs: the `rows` of functions in the archive and what the `Script` offers,
        for `plain_exporter`."""
    def end_start(self) -> None: ...
    def take_slot(self, name: str, /) -> int:
        """A fresh slot, or that which a script in an earlier Python of the process has added the
        name for; epy.StampError's text as RuntimeError if none is left."""
    def append_function(self, name: str, index: int) -> None: ...
    def append_data(self, name: str, address: int, size: int) -> int:
        """Where the name leads: if an earlier Python has added it, there."""
    def next_function(self, name: str) -> int:
        """Address of the next definition of `name` in the process, 0 if there is none."""
    def exported_data(self, name: str, address: int, size: int) -> memoryview:
        """The memory that the process uses for the data `name`, at `address` in the file: in the
        plugin, or the copy of an executable that was linked with it. The plugin's image stays
        mapped as long as there is a view of it."""

class TailCall:
    """What a callback returns to be left for a C function. Keeps what its arguments point into."""

    def __init__(
        self,
        address: int,
        signature: str,
        classes: tuple[type | None, ...],
        arguments: tuple[Any, ...],
    ) -> None:
        """ValueError if an argument has no register; else as for a callback's result."""

def call(function: Callable[..., Any], /, *arguments: Any) -> Any:
    """Calls it; raises the first exception of callbacks that it called directly."""

def plain_exporter(export: Callable[..., Any], /) -> Any:
    """`epy.export` for plugins: what most exports of a start are, without Python: see
    core/plugin/plain_exports.h. All others are left to the function.
    """

def run_for(
    plugin: NativePlugin, function: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Any:
    """Calls the function as code of the plugin: what it makes is the plugin's, whoever called."""

class HostObject:
    """An object of the host's: see epy.host_class."""

    @property
    def address(self) -> int:
        """The host's pointer; UnloadedError if the object is gone."""

def describe_host_class(name: str, /) -> tuple[list[tuple[str, int, str | None]], Any] | None:
    """The methods of a class that the host has registered, and what its `_host_class_` is."""

def host_object_address(object: object, cls: type[HostObject], /) -> int | None:
    """The host's pointer; None if it wraps none of that class. UnloadedError if that is gone."""

def wrap_host_object(cls: type[HostObject], address: int, /) -> HostObject:
    """The wrapper of an object that the host has a reference to."""

def exists(path: str, /) -> bool:
    """Whether a file is there, as os.path.exists tells it."""

def parse_archive(data: bytes | memoryview, /) -> tuple[Any, ...] | None:
    """What a plugin's archive holds: a list of each kind of block, manifest, rows, module, code,
    constant, header, file, with its fields and contents. The manifest is a dict of its lines'
    fields, a file where it begins and ends. None: it is damaged."""

def archive_lines(data: bytes, /) -> list[str] | None:
    """A field each, of what is stored as `rows`. None: the last one does not end."""

def public_capsule() -> Any:
    """epy._C_API, for other extension modules. ImportError in another interpreter."""

def release_handle(object: Any, /) -> bool:
    """Takes back one of the host's references to an object; false if it has none."""

def note_error(
    exception: BaseException, plugin: str | None, function: str, traceback: str, thread: str, /
) -> None:
    """It is what the host gets from epy_last_error on this thread; no thread: its system's name."""

def log(level: int, plugin: str | None, text: str, is_error: bool, /) -> bool:
    """Gives a text to the sink that the host has set for the plugin, or for all; false if there is
    none. `is_error`: it is about the last error of this thread."""

def is_logged(level: int, /) -> bool:
    """Whether EPY_LOG wants what is of this level: 0 debug, 1 info, 2 warning, 3 error."""

def log_to_file(level: int, text: bytes, /) -> bool:
    """Appends an entry to the file that EPY_LOG names. False if there is none."""

def thread_name() -> str:
    """What the system calls this thread: pthread_setname_np."""

def use_ctypes() -> None:
    """It has just been imported: calls of its functions are epy's from now on."""

def set_callback_maker(maker: Callable[[type, Callable[..., Any]], Any]) -> None:
    """Called with a ctypes function type and a callable that stands where a function pointer is
    due; returns an instance of the type that stays alive as long as C may use it."""

def view(pointer: Any, count: int, type: Any = None, writable: bool = False) -> memoryview:
    """The host's memory as a memoryview until the call ends; `help(epy.view)` says all."""

def set_reporter(reporter: Callable[[Callback, BaseException], object]) -> None:
    """Called with each exception that leaves a callback, on its thread. One per process."""

def set_errno(number: int) -> bool:
    """Set errno as the host sees it after this call. False if the thread is in no call."""

def signal_handler(number: int) -> int:
    """What handles a signal in this process: an address, 0 for its default, 1 for nothing."""

def keep_signal(number: int) -> object:
    """What a signal does now, for `put_signal_back`."""

def put_signal_back(kept: object) -> None:
    """Let a signal do again what it did. Any thread."""

def text_argument(value: Any) -> Any:
    """A c_char_p of what that takes; of a str its own UTF-8, which lives as long as the str."""

def mark_to_run() -> int:
    """For something that this process has to run once, or the forked child that comes into its
    place."""

def take_to_run(mark: int) -> bool:
    """Whether this process runs it. Once."""

def frame_of(thread: int) -> FrameType | None:
    """What a thread of this interpreter's runs now."""

def has_raised_privileges() -> bool:
    """Whether this process can do what its user cannot: set-user-ID and the like."""

def check_trusted(path: str | os.PathLike[str]) -> None:
    """UntrustedFileError if the process has raised privileges and others can change the file or
    folder; then FileNotFoundError if it is not there."""

def check_refusals() -> None:
    """UntrustedFileError if an import was refused, even if somebody caught that."""

def give_handle(object: Any, cls: type, plugin: NativePlugin | None) -> int:
    """A pointer for the host, which has a reference more; 0 for None. TypeError for what is no
    `cls`. `plugin` is whose handle it is if the object has none."""

def use_handles(object: type, handle: type, argument_error: type[Exception]) -> None:
    """From now on calls of ctypes' functions look for handles: epy.Object, the base of handles as
    ctypes objects, ctypes.ArgumentError."""

def note_argument(handle: Any) -> None:
    """It was made for an argument of the call that ctypes prepares: if that is not refused, the
    handle has left (`_has_left_`)."""

def take_handle_back(handle: Any, object: Any) -> None:
    """A handle made of the object dies: take its reference back, unless it left Python."""

def find_handle(object: Any) -> int:
    """The object's live handle, or 0."""

def resolve_handle(address: int, cls: type, consume: bool) -> Any:
    """The object that a handle stands for, None for 0. InvalidHandleError for any other number.
    `consume`: takes a reference of the host's back."""

def held_by_host(plugin: NativePlugin) -> list[Any]:
    """The objects that hosts hold by handles of the plugin."""

def take_from_host(plugin: NativePlugin) -> list[object]:
    """Make the handles of a plugin that hosts still hold invalid. Returns what they, and the
    addresses of callbacks that are gone, have kept alive."""

def array_types() -> dict[tuple[type, int], Any] | None:
    """The dictionary of ctypes that keeps the item type of every array type there is; None if it is
    not found."""

def make_young(objects: list[object]) -> int:
    """Make all that the objects lead to, as far as it is not other modules', young for the
    collector. Returns the generation to collect: the youngest, or all if memory ran out."""

def call_as_found(function: Any, /, *arguments: Any) -> Any:
    """Calls a function pointer with the GIL and the interpreter that the host's call came with."""

def end_of_calls() -> None:
    """Python ends: no call is served any more."""

def keep_gil(cls: Any) -> Any:
    """A subclass of a class of function pointers whose calls keep the GIL, or itself."""

def current_plugin() -> NativePlugin | None:
    """The plugin whose script or callback runs on this thread."""

# What plugins with headers need, from the first `prepare_headers` on.

def prepare_headers() -> None:
    """Make the classes below: other plugins need none of them."""

def instance(ctype: Any, value: Any) -> Any:
    """An object of a header's type that holds a Python value. ValueError, TypeError, OverflowError
    if it does not fit, epy.FieldError if a part of it does not."""

class Function(CFuncPtr):
    """A C function pointer of a header; those with a prototype inherit from it. A callable as an
    argument becomes a callback that lives until unload."""

class Kept:
    """What is kept for memory that Python does not own, by place: until something else is stored
    there, and up to 4 MB of what was replaced. With it the callbacks of callables."""

class Classes:
    """The ctypes classes of one header, each made when something asks for it.

    `_c.terms` says what a type is. `find` gives the definition of a name or None; `types` are
    typedefs that the script lets mean other classes; `errors` has error values by typedef,
    "enum TAG" or (name of a simple type,); `kept` is for memory that Python does not own; `module`
    is that of the classes; `use_errno` lets calls of functions keep errno as ctypes does. Any
    thread: one at a time makes classes. HeaderNameError for what it cannot.
    """

    def __init__(
        self,
        find: Callable[[str], Any],
        types: dict[str, Any],
        errors: dict[Any, Any],
        kept: Kept,
        module: str,
        use_errno: bool,
    ) -> None: ...
    @property
    def find(self) -> Callable[[str], Any]: ...
    @property
    def signatures(self) -> dict[Any, Any]:
        """Of callbacks, by their type: codes and classes."""
    def make(self, kind: Any) -> Any:
        """The class of a type, complete; None for void."""
    def named(self, kind: Any) -> Any:
        """What a script gets by name: a struct that is only declared serves for pointers."""
    def resolved(self, kind: Any) -> Any:
        """The type behind its typedefs, as far as they are not mapped."""
    def members(self, key: str) -> Any:
        """The `_headers.enums.Members` of an enum that the header defines."""
    def parts(self, kind: Any) -> tuple[Any, ...]:
        """The classes of a function's result and parameters."""
    def error(self, kind: Any) -> Any:
        """The error value of functions whose result is of this type, or None."""
    def function(self, kind: Any, refined: tuple[Any, ...]) -> Any:
        """The class of pointers to a function, its result and parameters of other classes."""
    def store(
        self, ctype: Any, value: Any, address: int, function: Callable[[Any], object], /
    ) -> None:
        """What ctypes stores of a value at an address of the host's memory goes to the function;
        what it needs is kept. ValueError, TypeError, OverflowError if it does not fit."""
    def clear(self) -> None:
        """Forget all classes, and what is kept."""

class StoredHeader:
    """What a plugin stores of a header: nothing is read before a script asks for a name."""

    index: bytes
    def __init__(self, index: bytes, data: bytes) -> None: ...
    def find(self, name: str) -> Any:
        """What a name stands for, as `_c.terms` has it, or None."""
    def prototype(self, text: str) -> tuple[str, Any]:
        """The name and the type in a C prototype that the script had at build; HeaderNameError for
        others."""
