"""Detectors, one file each; `cap_perception.detector` has them by name."""
