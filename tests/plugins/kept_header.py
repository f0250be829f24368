"""A plugin with each kind of thing that a header declares: see tests/plugins/README.md."""

import epy

host = epy.header(
    """
    #define NOTHING
    #define LIMIT 40
    #define AT_MOST(ap_size) ((ap_size) < LIMIT ? (ap_size) : LIMIT)
    enum level { LOW = 1, HIGH = 5 };
    typedef enum level level;
    typedef struct opaque opaque;
    struct bits { unsigned a : 3, b : 5; union { int x; float y; }; short tail[]; };
    struct __attribute__((packed)) packed { char c; opaque *owner; int n; };
    typedef int (*callback)(opaque *, struct packed *, level);
    level raised(level);
    int at_most(int);
    int named(opaque *, struct bits *);
    int called(struct packed *);
    """
)
packed = host.struct.packed(c=b"c", n=2)
bits = host.struct.bits(a=7, b=9, x=3)


@host.callback("callback")
def callback(owner, whole, level):
    return -1 if owner else whole.n + level


@host.export
def raised(level):
    return host.HIGH if level is host.enum.level.LOW else level


@host.export
def at_most(number):
    return host.AT_MOST(number)


@host.export
def named(owner, given):
    assert not owner and not given
    assert host.opaque is host.struct.opaque
    return bits.a * 100 + bits.b * 10 + bits.x


@host.export
def called(given):
    return callback(None, packed, host.HIGH)
