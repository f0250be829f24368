"""One exception class for each way to fail. Every message is one line that names the remedy."""


class Error(Exception):
    """Base class of everything that epy raises on purpose."""

    def __str__(self) -> str:
        """One line, whatever was quoted of a script or a header."""
        from ._printable import printable

        return printable(super().__str__())


class SignatureError(Error, TypeError):
    """A C signature is missing, malformed or does not fit its Python function.

    Raised while the script is imported. Remedy: annotate every parameter and the result with ctypes
    types, or give a C prototype or a ctypes function type.
    """


class ExportNameError(Error, ValueError):
    """An exported name is empty, contains a NUL, or is taken. Remedy: pass another `name=`."""


class StampError(Error, ValueError):
    """Something cannot be written into a plugin.

    More names or longer names than the stub holds, or data whose pointers lead to memory that the
    value does not keep alive. Remedy: fewer or shorter names; assign the ctypes object itself to
    the pointer, not its address.
    """


class ScriptError(Error, RuntimeError):
    """The script is missing, exports nothing, or fails while it is imported."""


class ConstantError(Error, ValueError):
    """The value of an `epy.constant` cannot be stored. Remedy: return a value of built-in types."""


class HeaderError(Error, ValueError):
    """A C header is not found, does not preprocess or does not parse.

    The message has file, line and the offending line. Remedy: `include=` or `epy build -I`,
    `define=` or `epy build -D`, or the declarations pasted as text.
    """


class HeaderNameError(Error, AttributeError):
    """A header does not declare a name, or what it declares cannot be expressed in Python.

    The message gives near names, or the reason: an inline function, a macro that is no expression,
    an unsupported type. Remedy: what the message proposes, or a prototype of your own.
    """


class FieldError(Error, TypeError):
    """A value does not fit a struct's field. The message has struct, field, C type and value."""


class ArgumentError(Error, TypeError):
    """An argument does not fit a function of the host, or there are too many or too few.

    The message has the function, the parameter's C type and the value. The function was not called.
    """


class UnknownFieldError(FieldError, AttributeError):
    """A struct has no field of this name. The message has near names."""


class LayoutError(Error, RuntimeError):
    """Exported data differs from what the plugin was built with. Remedy: run `epy build` again."""


class SymbolNotFoundError(Error, LookupError):
    """The process has no (further) definition of a symbol. Remedy: load its library first."""


class PluginFormatError(Error, ValueError):
    """A file is no epy plugin that this version can read.

    Truncated, damaged, not ELF, for another machine, its tables moved (patchelf), or of another
    contract version. Remedy: run `epy build` again.
    """


class PythonNotFoundError(Error, OSError):
    """No usable Python: missing, without a shared library, or of an unsupported version.

    Remedy: `epy build --python PATH`.
    """


class UntrustedFileError(Error, RuntimeError):
    """In a process with raised privileges: a file that others can change is not run or read.

    Set-user-ID programs and the like. The file, each folder on its path and each symbolic link must
    belong to root, or to the user whose privileges the process has, and nobody else may be able to
    write to them. Remedy: the chown or chmod command in the message.
    """


class MisfitError(Error, TypeError):
    """A function's result is of a type that its C type does not take.

    The message has what is expected and the value; the host got the error value. Remedy: return
    what is expected, or declare another C type.
    """


class RangeError(Error, OverflowError):
    """A number does not fit its C type. The message has the limits.

    Remedy: return one between them, or declare a wider type.
    """


class InvalidHandleError(Error, ValueError):
    """The host passed a pointer that is no live handle of the object's class.

    It was made up, consumed before, its plugin is unloaded, or it belongs to an object of another
    class. Remedy: in the host.
    """


class ViewError(Error, ValueError):
    """Memory of the host cannot be viewed, or was read by its address after the call.

    Raised by `epy.view` and for a Buffer parameter. Remedy: check the pointer before; copy what is
    to stay after the call, as in `numpy.array(view)`.
    """


class ReloadError(Error, RuntimeError):
    """`epy.reload` cannot exchange the code, and the old code stays.

    An export or a callback has another signature than hosts know, or the plugin holds its script.
    Remedy: load the plugin anew, another name, `epy build --reload`.
    """


class BindingsError(Error, ValueError):
    """`epy.Bindings` cannot publish this.

    The name is that of a module, another plugin publishes it, or a class can have no stand-in.
    Remedy: another name, `share=True` in both, a value in place of a class.
    """


class UnloadedError(Error, RuntimeError):
    """Something was used whose plugin has been unloaded.

    A function, class or module that `epy.Bindings` published, a file of the plugin. Remedy: load
    the plugin again, then what was imported works again.
    """


def wrong_argument(function: str, argument: str, value: object, fits: str) -> TypeError:
    """What is raised for an argument of a type that a function of epy's does not take."""
    return TypeError(f"epy.{function}({argument}={value!r}): give {fits}")
