"""Functions for gnuplot: `import mean(x,y) from "check:mean"`."""

import epy

gnuplot = epy.header("""
/* From gnuplot_plugin.h. */
#include <stdint.h>
enum DATA_TYPES { INTGR = 1, CMPLX, STRING };
struct cmplx { double real, imag; };
struct value {
    enum DATA_TYPES type;
    union { int64_t int_val; struct cmplx cmplx_val; char *string_val; } v;
};
typedef struct value function(int count, struct value *arguments, void *private);
""")


def number(value):
    if value.type == gnuplot.INTGR:
        return value.v.int_val
    return complex(value.v.cmplx_val.real, value.v.cmplx_val.imag)


@gnuplot.export(like="function")
def mean(count, arguments, private):
    result = complex(sum(map(number, arguments[:count])) / count)
    return gnuplot.value(gnuplot.CMPLX, {"cmplx_val": (result.real, result.imag)})


@gnuplot.export(like="function")
def length(count, arguments, private):
    return gnuplot.value(gnuplot.INTGR, {"int_val": len(arguments[0].v.string_val)})
