"""Upper tails of how far a purchase lies from what its peers do: a person, a place, a category."""

from detectors.contract import Detector
from detectors.line_up.empirical_tails import NAME, UpperTailsParameters, fit, load

DETECTOR = Detector(
    name="peer_deviation",
    catalogue_flag="in_peer",
    parameters=UpperTailsParameters,
    fit=fit,
    load=load,
    algorithm=NAME,
)
