"""Where programs run: one confined process per program, which talks to the broker over a pipe.

The boundary is the kernel (seccomp, Landlock, rlimits, no capabilities, no descriptors) and the
host's checks of every frame. What the child does in Python only makes honest programs work well.
"""
