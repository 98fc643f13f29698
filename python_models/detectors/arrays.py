"""What every module here counts with: arrays of numbers, and the error of input that is none."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class DetectorError(Exception):
    """The input, a parameter or an artefact cannot be used; the message is one sentence."""
