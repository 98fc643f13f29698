"""Upper tails of how far the last week of an employee or merchant lies from the weeks before."""

from detectors.contract import Detector
from detectors.line_up.empirical_tails import NAME, UpperTailsParameters, fit, load

DETECTOR = Detector(
    name="collective_shift",
    catalogue_flag="in_collective",
    parameters=UpperTailsParameters,
    fit=fit,
    load=load,
    algorithm=NAME,
)
