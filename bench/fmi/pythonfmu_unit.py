"""The unit with PythonFMU: y = x + step."""

from pythonfmu import Fmi2Causality, Fmi2Slave, Real


class Adder(Fmi2Slave):
    author = "epy"
    description = "y = x + step"

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.x = 0.0
        self.y = 0.0
        self.register_variable(Real("x", causality=Fmi2Causality.input))
        self.register_variable(Real("y", causality=Fmi2Causality.output))

    def do_step(self, current_time, step_size):
        self.y = self.x + step_size
        return True
