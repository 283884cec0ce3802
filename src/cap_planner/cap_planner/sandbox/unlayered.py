"""Programs with layers switched off, for tests alone: an attack must first be seen to succeed.

Nothing in this package imports this module. A layer is left out by the class of the host's
object, and by nothing that a program, a frame or a parameter can say: `SandboxConfig` has no such
field, and the job that names the layers goes from host to zygote over a socket that no child holds.
(`allow_missing` is another thing: it lets programs run where a layer is not to be had, and leaves
none out that is.)
"""

from __future__ import annotations

from collections.abc import Collection

from cap_planner.sandbox.confine import LAYERS
from cap_planner.sandbox.host import Sandbox
from cap_planner.sandbox.program import SandboxConfig
from cap_planner.sandbox.run import Run


class UnlayeredSandbox(Sandbox):
    """A sandbox whose children lack the layers `skip`. Everything else is as in the real one.

    `no_new_privs` can be left out only with `landlock` and `seccomp`, which need it: otherwise the
    outcome is UNAVAILABLE.

    Raises:
        ValueError: a name that is no layer; the text lists them.
    """

    def __init__(self, config: SandboxConfig, skip: Collection[str]) -> None:
        super().__init__(config)
        unknown = set(skip) - set(LAYERS)
        if unknown:
            raise ValueError(f'no layer {sorted(unknown)}; the layers are {", ".join(LAYERS)}')
        self.skip = frozenset(skip)
        """May be set between two runs, so that one zygote serves many tests."""

    def _fork(self, api: Collection[str], start: bytes) -> Run:
        return Run(self.config, self._living_zygote(), api, start, self.skip)
