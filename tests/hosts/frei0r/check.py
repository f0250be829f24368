"""A frei0r filter: turns each pixel's colours to `amount` of their opposites."""

from ctypes import POINTER, c_double, cast

import epy


class Inverter(epy.Object):
    def __init__(self, width, height):
        self.size = width * height
        self.amount = 1.0


frei0r = epy.header("frei0r.h", types={"f0r_instance_t": Inverter})


@frei0r.export
def f0r_init():
    return 1


@frei0r.export
def f0r_deinit():
    pass


@frei0r.export
def f0r_get_plugin_info(info):
    info.name = "invert"
    info.author = "the epy authors"
    info.plugin_type = frei0r.F0R_PLUGIN_TYPE_FILTER
    info.color_model = frei0r.F0R_COLOR_MODEL_RGBA8888
    info.frei0r_version = frei0r.FREI0R_MAJOR_VERSION
    info.major_version = 0
    info.minor_version = 9
    info.num_params = 1
    info.explanation = "Inverts the colours, in Python"


@frei0r.export
def f0r_get_param_info(info, index):
    info.name = "amount"
    info.type = frei0r.F0R_PARAM_DOUBLE
    info.explanation = "0: the picture as it is; 1: its negative"


@frei0r.export
def f0r_construct(width, height):
    return Inverter(width, height)


@frei0r.export
def f0r_destruct(instance: epy.Consumed[Inverter]):
    pass


@frei0r.export
def f0r_set_param_value(instance, value, index):
    instance.amount = cast(value, POINTER(c_double))[0]


@frei0r.export
def f0r_get_param_value(instance, value, index):
    cast(value, POINTER(c_double))[0] = instance.amount


@frei0r.export
def f0r_update(instance, time, source, target):
    pixels = epy.view(source, instance.size)
    result = epy.view(target, instance.size, writable=True)
    kept = 1 - instance.amount
    table = [round(kept * level + instance.amount * (255 - level)) for level in range(256)]
    for i, pixel in enumerate(pixels):
        red, green, blue = (table[pixel >> shift & 255] for shift in (0, 8, 16))
        result[i] = pixel & 0xFF000000 | blue << 16 | green << 8 | red
