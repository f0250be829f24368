"""The unit with epy: y = x + step."""

from array import array

import epy


class Adder(epy.Object):
    def __init__(self):
        self.values = array("d", [0, 0])  # x, y


fmi = epy.header(
    "fmi2Functions.h", types={"fmi2Component": Adder}, errors={"fmi2Status": "fmi2Error"}
)


@fmi.export
def fmi2Instantiate(name, kind, guid, resources, callbacks, visible, logging):
    return Adder()


@fmi.export
def fmi2FreeInstance(adder: epy.Consumed[Adder]):
    pass


@fmi.export
def fmi2SetReal(adder, references, count, values):
    for i in range(count):
        adder.values[references[i]] = values[i]
    return 0


@fmi.export
def fmi2GetReal(adder, references, count, values):
    for i in range(count):
        values[i] = adder.values[references[i]]
    return 0


@fmi.export
def fmi2DoStep(adder, time, step, keep):
    adder.values[1] = adder.values[0] + step
    return 0


fmi.export_missing("fmi2*", error="fmi2OK")
