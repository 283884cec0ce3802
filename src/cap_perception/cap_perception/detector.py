"""What finds objects in a picture: the protocol, and the providers by name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol, cast, runtime_checkable

from cap_perception.parameters import PerceptionParameters
from cap_perception.types import CameraFrame, Detection


class Detector(Protocol):
    """Finds objects in one picture. Its masks become places elsewhere (see `boxes`)."""

    def detect(self, frame: CameraFrame, phrases: Sequence[str]) -> Sequence[Detection]:
        """All objects seen that answer one of the phrases, in any order.

        Masks of different objects do not overlap.

        Args:
            phrases: what is looked for, such as 'block' (of any colour) or 'red bowl'.

        Raises:
            NoPhrasesError: the list is empty.
            UnknownPhraseError: a detector of known things does not know one of them.
        """
        ...


@runtime_checkable
class ListeningDetector(Detector, Protocol):
    """A detector that hears of things by ROS topics; its `detect` runs in a thread of its own."""

    def start(self, node: Any) -> None:
        """Subscribe, by a node that somebody else spins."""
        ...

    def stop(self) -> None:
        """Unsubscribe. It may be started again."""
        ...


class UnknownProviderError(LookupError):
    """No provider of that name; the text lists those that exist."""


# Name in the configuration -> module:factory. A module is imported only when it is chosen.
DETECTORS = {
    'color': 'cap_perception.detectors.color:from_parameters',
    'color_size': 'cap_perception.detectors.color_size:from_parameters',
    'mdetr': 'cap_perception.detectors.mdetr:from_parameters',
    'vild': 'cap_perception.detectors.vild:from_parameters',
    'owlv2': 'cap_perception.detectors.owlv2:from_parameters',
    'grounding_dino': 'cap_perception.detectors.grounding_dino:from_parameters',
    'detections_topic': 'cap_perception.detectors.detections_topic:from_parameters',
    'ground_truth': 'cap_perception.detectors.ground_truth:from_parameters',
}


def load_provider(kind: str, name: str, providers: dict[str, str]) -> Any:
    """The factory that a name stands for.

    Raises:
        UnknownProviderError: the name is not in `providers`.
        ImportError: its module, or something that it needs, is not installed.
    """
    if name not in providers:
        raise UnknownProviderError(f'no {kind} named {name!r}; there are: {sorted(providers)}')
    module, factory = providers[name].split(':')
    return getattr(import_module(module), factory)


def make_detector(name: str, parameters: PerceptionParameters) -> Detector:
    """A detector by its name in DETECTORS, or one of your own by 'module:factory'.

    Raises:
        UnknownProviderError: no such detector.
        MissingPackageError, MissingWeightsError: see `detectors.extra`.
    """
    of_your_own = {name: name} if name.count(':') == 1 else {}
    return cast(Detector, load_provider('detector', name, DETECTORS | of_your_own)(parameters))
