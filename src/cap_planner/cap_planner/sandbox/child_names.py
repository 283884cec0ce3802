"""How the texts of a program are named in its traces."""

PROGRAM = '<program>'
