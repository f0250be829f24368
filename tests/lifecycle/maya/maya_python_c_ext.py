"""Commands for the Python of a program of the kind of Maya, which load and go with the plugin."""

import ctypes

import epy

api = epy.header("""
enum MStatusCode { kSuccess, kFailure, kInsufficientMemory, kInvalidParameter, kNotFound = 7 };
struct MStatus { enum MStatusCode code; };
struct MString { const char *text; };
struct MObject;
struct MSelectionList { void *nodes; };

/* C++ passes `this` first; a class with a destructor is returned through memory. */
void _ZN14MSelectionListC1Ev(struct MSelectionList *self);
void _ZN14MSelectionListD1Ev(struct MSelectionList *self);
void *_ZN14MSelectionList3addERK7MString(struct MStatus *, struct MSelectionList *,
                                         struct MString *);
void *_ZN14MSelectionList5mergeERKS_(struct MStatus *, struct MSelectionList *,
                                     struct MSelectionList *);
unsigned _ZNK14MSelectionList6lengthEv(struct MSelectionList *);
void *_ZN7MGlobal22getActiveSelectionListER14MSelectionList(struct MStatus *,
                                                            struct MSelectionList *);
void *_ZN7MGlobal22setActiveSelectionListERK14MSelectionList(struct MStatus *,
                                                             struct MSelectionList *);
void _ZN7MGlobal11displayInfoERK7MString(struct MString *);

void *_Z16initializePlugin7MObject(struct MStatus *, struct MObject *);
void *_Z18uninitializePlugin7MObject(struct MStatus *, struct MObject *);
""")
ext = epy.Bindings("maya_python_c_ext")


@api.export
def _Z16initializePlugin7MObject(status, plugin):
    status.code = api.kSuccess
    return status


@api.export
def _Z18uninitializePlugin7MObject(status, plugin):
    status.code = api.kSuccess
    return status


def check(function, *arguments):
    """Call what returns an MStatus."""
    status = api.struct.MStatus()
    function(status, *arguments)
    if status.code == api.kNotFound:
        raise LookupError("no such node")
    if status.code != api.kSuccess:
        raise ValueError(f"{api.enum.MStatusCode(status.code).name}")


class Selection:
    """An MSelectionList as long as the `with` block."""

    def __enter__(self):
        self.nodes = api.struct.MSelectionList()
        api._ZN14MSelectionListC1Ev(self.nodes)
        return self.nodes

    def __exit__(self, *_):
        api._ZN14MSelectionListD1Ev(self.nodes)


@ext.function
def hello_world_maya(text: str) -> None:
    """Show a text in the script editor."""
    api._ZN7MGlobal11displayInfoERK7MString(
        ctypes.pointer(api.struct.MString(f"Hello from the Maya Python C extension: {text}"))
    )


@ext.function
def add_to_active_selection_list(name: str) -> int:
    """Select a node in addition to what is selected; returns how many are.

    LookupError if the scene has no such node, ValueError for what is no name.
    """
    with Selection() as added, Selection() as selected:
        check(
            api._ZN14MSelectionList3addERK7MString,
            added,
            ctypes.pointer(api.struct.MString(name)),
        )
        check(api._ZN7MGlobal22getActiveSelectionListER14MSelectionList, selected)
        check(api._ZN14MSelectionList5mergeERKS_, selected, added)
        check(api._ZN7MGlobal22setActiveSelectionListERK14MSelectionList, selected)
        return api._ZNK14MSelectionList6lengthEv(selected)


@ext.type
class Node:
    """A node by its name."""

    def __init__(self, name: str):
        self.name = name

    def select(self) -> int:
        """Add it to the selection."""
        return add_to_active_selection_list(self.name)


ext.version = "1.0"
