"""The detectors, a module each: it has the detector's name and exports `DETECTOR`."""
