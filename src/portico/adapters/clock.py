"""The clock of the machine."""

import time


class SystemClock:
    """Implements `contract.ports.Clock`."""

    now_ns = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)
