"""The versions of the detectors: listed, compared, promoted, fitted anew."""
