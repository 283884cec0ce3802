"""Objects over time: the same id and name for the same thing, also while it cannot be seen.

A track is matched with an observation of its class and colour. Without one, the camera picture
decides: what is hidden stays where it was, what is seen to be gone goes. The identity of what went
is remembered, and given back when a thing of its class and colour appears. What the gripper holds
goes where that goes, seen or not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from cap_perception.grip import Grip
from cap_perception.track import Track, averaged
from cap_perception.types import CameraFrame, HeldPose, Observation, Scene
from cap_perception.visibility import Place, PlaceChecker


@dataclass(frozen=True)
class TrackerConfig:
    """When to believe what.

    Attributes:
        near: an observation this close to a track is the track's [m].
        still: a shift below this is measurement noise, and averaged [m].
        confirm_frames: sightings in a row before a thing is new, or has moved far.
        empty_frames: frames in a row that see a place empty before its object goes.
        birth_max_height: centres above this [m] start no track: what is carried has one already.
        birth_min_score: what is seen of it by less starts no track.
        memory_s: how long the identity of what went is kept.
        hidden_decay_s: time in which the confidence of a hidden object falls to 1/e.
        min_confidence: where that fall ends.
    """

    near: float
    still: float
    confirm_frames: int
    empty_frames: int
    birth_max_height: float
    birth_min_score: float
    memory_s: float
    hidden_decay_s: float
    min_confidence: float


@dataclass(eq=False)
class _Candidate:
    """An observation that is no track's yet."""

    last: Observation
    sightings: int = 1


@dataclass(eq=False)
class _Group:
    """Everything of one class and colour."""

    tracks: list[Track] = field(default_factory=list)
    gone: list[Track] = field(default_factory=list)
    candidates: list[_Candidate] = field(default_factory=list)


class Tracker:
    """Feed it every frame's observations, in the order of their stamps."""

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._groups: dict[tuple[str, str], _Group] = defaultdict(_Group)
        self._born = 0
        self._grip = Grip()

    def update(
        self,
        frame: CameraFrame,
        observations: Sequence[Observation],
        held: HeldPose | None = None,
    ) -> Scene:
        """The scene after one frame, the objects in the order of their names.

        Args:
            held: None: the gripper holds nothing, or nobody knows.
        """
        self._grip.follow(held, self._tracks(), frame.stamp_ns)
        for observation in observations:
            self._groups[_kind(observation)]  # a group for every kind seen
        left = {
            kind: self._match_near(group, [o for o in observations if _kind(o) == kind], frame)
            for kind, group in self._groups.items()
        }
        self._check_places(frame, observations)
        for kind, group in self._groups.items():
            self._place_new(group, left[kind], frame)
        self._forget(frame)
        self._grip.hold(held)
        objects = [t.scene_object(held=t is self._grip.track) for t in self._tracks()]
        return Scene(frame.stamp_ns, tuple(sorted(objects, key=lambda o: o.name)))

    def _tracks(self) -> list[Track]:
        return [track for group in self._groups.values() for track in group.tracks]

    def _match_near(
        self, group: _Group, observations: list[Observation], frame: CameraFrame
    ) -> list[Observation]:
        """Update the tracks that have an observation close by; returns the other observations."""
        for track in group.tracks:
            track.visible, track.look = False, None
        pairs = _assign([t.position for t in group.tracks], observations, self._config.near)
        for i, k in pairs:
            self._see(group.tracks[i], observations[k], frame)
        taken = {k for _, k in pairs}
        return [o for k, o in enumerate(observations) if k not in taken]

    def _see(self, track: Track, seen: Observation, frame: CameraFrame) -> None:
        """A track's object was seen; where it was cut by something, its pose is only a hint."""
        shift = track.distance(seen)
        track.look = seen.look
        if seen.look is not None and (seen.complete or track.rgb is None):
            track.rgb = seen.look.rgb
        if seen.complete:
            if shift < self._config.still and track.last.complete:
                seen = averaged(track.last, seen)
            track.last, track.moving = seen, 0
        else:
            # A sliver of a thing at rest says less than its last full view; one that keeps
            # contradicting it says that the thing has moved.
            track.moving = track.moving + 1 if shift > 4 * self._config.still else 0
            if track.moving >= self._config.confirm_frames:
                track.last, track.moving = seen, 0
        track.stamp_ns = frame.stamp_ns
        track.confidence = seen.score if seen.complete else 0.7 * seen.score
        track.visible, track.empty, track.place = True, 0, Place.OCCUPIED

    def _check_places(self, frame: CameraFrame, observations: Sequence[Observation]) -> None:
        """Look where the unseen tracks' objects should be; end those that are seen to be gone."""
        checker = PlaceChecker(frame)
        for group in self._groups.values():
            for track in [t for t in group.tracks if not (t.visible or t is self._grip.track)]:
                last = track.last
                track.place = checker.check(last.class_name, last.workspace_from_box, last.size)
                if track.place is Place.OCCUPIED and any(
                    _same_place(last, o) for o in observations
                ):
                    track.place = Place.EMPTY  # another thing is there in its stead
                track.empty = track.empty + 1 if track.place is Place.EMPTY else 0
                age_s = (frame.stamp_ns - track.stamp_ns) * 1e-9
                falling = last.score * float(np.exp(-age_s / self._config.hidden_decay_s))
                track.confidence = max(falling, self._config.min_confidence)
                if track.empty >= self._config.empty_frames:
                    group.tracks.remove(track)
                    group.gone.append(track)

    def _place_new(
        self, group: _Group, observations: list[Observation], frame: CameraFrame
    ) -> None:
        """Things seen where no track of their kind was: moved ones, returned ones, new ones."""
        places = [c.last.workspace_from_box[:3, 3] for c in group.candidates]
        pairs = {k: i for i, k in _assign(places, observations, 2 * self._config.near)}
        candidates = []
        for k, observation in enumerate(observations):
            sightings = group.candidates[pairs[k]].sightings + 1 if k in pairs else 1
            candidate = _Candidate(observation, sightings)
            if sightings < self._config.confirm_frames or not self._settle(
                group, observation, frame
            ):
                candidates.append(candidate)
        group.candidates = candidates

    def _settle(self, group: _Group, seen: Observation, frame: CameraFrame) -> bool:
        """Give a confirmed observation a track; False: it must wait."""
        held = self._grip.track
        if held in group.tracks and self._grip.is_refuted_by(seen):
            self._grip.give_back()
            self._see(held, seen, frame)
            return True
        free = [
            t
            for t in group.tracks
            if not (t.visible or t is self._grip.track or self._is_under_another(t))
        ]
        # What is seen to be gone from its place is likelier than what is but hidden there.
        left = [t for t in free if t.place is Place.EMPTY] + group.gone
        if track := min(left or free, key=lambda t: t.distance(seen), default=None):
            if track in group.tracks:
                track.last = seen
                self._see(track, seen, frame)
                return True
            group.gone.remove(track)
        else:
            high = seen.workspace_from_box[2, 3] > self._config.birth_max_height
            if high or seen.score < self._config.birth_min_score:
                return False
            self._born += 1
            track = Track(f'object_{self._born}', '', seen, frame.stamp_ns, seen.score)
        names = {t.name for t in group.tracks}
        if not track.name or track.name in names:
            track.name = _free_name(seen, names)
        track.last = seen
        group.tracks.append(track)
        self._see(track, seen, frame)
        return True

    def _is_under_another(self, track: Track) -> bool:
        """Does a tracked object rest on it? Then it cannot have moved by itself."""
        top = track.position[2] + 0.5 * track.last.size[2]
        for other in self._tracks():
            beside = float(np.hypot(*(other.position - track.position)[:2]))
            bottom = other.position[2] - 0.5 * other.last.size[2]
            if (
                other is not track
                and beside < 0.5 * track.last.size[0]
                and abs(bottom - top) < 0.01
            ):
                return True
        return False

    def _forget(self, frame: CameraFrame) -> None:
        for group in self._groups.values():
            group.gone = [
                t
                for t in group.gone
                if (frame.stamp_ns - t.stamp_ns) * 1e-9 < self._config.memory_s
            ]


def _kind(observation: Observation) -> tuple[str, str]:
    return observation.class_name, observation.color


def _assign(
    places: Sequence[NDArray[np.float64]], observations: Sequence[Observation], limit: float
) -> list[tuple[int, int]]:
    """Index pairs (place, observation) closer than `limit`, with the least sum of distances."""
    if not places or not observations:
        return []
    at = np.array([o.workspace_from_box[:3, 3] for o in observations])
    distance = np.linalg.norm(np.array(places)[:, None] - at, axis=-1)
    rows, columns = linear_sum_assignment(np.minimum(distance, 2 * limit))
    return [(int(i), int(k)) for i, k in zip(rows, columns, strict=True) if distance[i, k] < limit]


def _same_place(one: Observation, other: Observation) -> bool:
    """Would the two fill the same space?"""
    if one.class_name != other.class_name or not other.complete:
        return False
    offset = one.workspace_from_box[:3, 3] - other.workspace_from_box[:3, 3]
    return bool(np.linalg.norm(offset) < 0.5 * min(one.size))


def _free_name(seen: Observation, taken: set[str]) -> str:
    """ "<colour> <class>", with the lowest number that makes it unique; 1 is not written."""
    base = seen.class_name if seen.is_plain else f'{seen.color} {seen.class_name}'.strip()
    number = 1
    while (name := base if number == 1 else f'{base} {number}') in taken:
        number += 1
    return name
