"""perception_node: what the camera sees, as a latched scene of named objects."""

from __future__ import annotations

import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from cap_common.ears import Ears
from cap_common.errors import CapError, PerceptionLostError, error_code
from cap_common.heartbeat import STEADY, Beat
from cap_common.parameters import load_parameters
from cap_common.qos import LATCHED, SENSOR
from cap_common.spin import run_node
from cap_interfaces.msg import Scene as SceneMessage
from cap_interfaces.srv import DetectObjects, GetMasks
from cap_perception.annotate import annotated
from cap_perception.health import Level, Report
from cap_perception.mask_store import MaskStore
from cap_perception.messages import (
    detections_message,
    header,
    markers_message,
    masks_response,
    object_message,
    picture_message,
    scene_message,
    status_message,
)
from cap_perception.parameters import PerceptionParameters
from cap_perception.sources import SceneSource, View, make_source
from cap_perception.types import Scene

_MASKS_OF = 50  # scenes: ten seconds of them
_LOOK_S = 0.2  # how often it is looked whether the status has changed
_DIAGNOSTICS_S = 1.0
_DONE, _FAILED = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class PerceptionNode(LifecycleNode):
    """Publishes `scene`, `detections` beside it, and its heartbeat.

    A managed node: it loads in configure, listens while it is active. With `autostart` it does both
    itself, and what fails there is raised.
    """

    def __init__(self) -> None:
        super().__init__('perception')
        self._survive_wrong_transitions()
        parameters = load_parameters(self, PerceptionParameters)
        self._workspace = parameters.workspace_frame
        self._source: SceneSource | None = None
        self._is_active = False
        self._failure: Exception | None = None
        self._has_scene = False
        self._masks = MaskStore(_MASKS_OF)
        self._scenes = self.create_publisher(SceneMessage, 'scene', LATCHED)
        self._detections = self.create_publisher(Detection3DArray, 'detections', SENSOR)
        self._annotated = self.create_publisher(Image, 'perception/annotated', SENSOR)
        self._markers = self.create_publisher(MarkerArray, 'perception/markers', 1)
        self._status = self.create_publisher(DiagnosticStatus, 'perception/status', LATCHED)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._told: Report | None = None
        self._told_at = 0.0
        self.create_timer(_LOOK_S, self._tell, clock=STEADY)
        self.create_service(Trigger, 'forget_objects', self._forget)
        self.create_service(GetMasks, 'perception/get_masks', self._get_masks)
        # Its answers wait for pictures, which come in this node's own thread.
        self._desk = Ears(self, 'desk')
        self._desk.serve(DetectObjects, 'perception/detect', self._detect)
        self._desk.start()
        self._beat = Beat(self, lambda: self._has_scene)
        if parameters.autostart:
            self._start()

    def close(self) -> None:
        """End the threads."""
        self._stop()
        self._desk.close()

    # Lifecycle -----------------------------------------------------------------------------------

    def _start(self) -> None:
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != _DONE:
                self._desk.close()
                raise self._failure or RuntimeError('perception could not be started')

    def _survive_wrong_transitions(self) -> None:
        """rclpy raises in its executor where a transition does not exist: the node would end."""
        change_state = self._service_change_state.callback

        def change_or_refuse(request: Any, response: Any) -> Any:
            try:
                return change_state(request, response)
            except rclpy_implementation.RCLError as error:
                self.get_logger().error(f'transition {request.transition.id} refused: {error}')
                response.success = False
                return response

        self._service_change_state.callback = change_or_refuse

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the detector; what is wrong is told, and the node stays unconfigured."""
        try:
            parameters = load_parameters(self, PerceptionParameters)
            self._workspace = parameters.workspace_frame
            self._source = make_source(parameters.source, self, parameters, self._publish)
        except Exception as error:
            self._failure = error
            self.get_logger().error(f'not configured: {type(error).__name__}: {error}')
            return _FAILED
        self._failure = None
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen to the camera."""
        assert self._source is not None
        self._is_active = True
        self._source.start()
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen no more; what was known is forgotten."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Drop the detector."""
        self._source = None
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From any state."""
        self._stop()
        self._source = None
        return super().on_shutdown(state)

    def _stop(self) -> None:
        if self._source is not None and self._is_active:
            self._source.stop()
        self._is_active = False

    # What it tells -------------------------------------------------------------------------------

    def _publish(self, scene: Scene, view: View | None) -> None:
        self._has_scene = True
        if view is not None:
            self._masks.keep(scene, view.rgb.shape[:2], view.frame_id)
            if self._annotated.get_subscription_count():
                picture = annotated(view.rgb, scene.objects)
                self._annotated.publish(picture_message(picture, scene.stamp_ns, view.frame_id))
        self._scenes.publish(scene_message(scene, self._workspace))
        self._detections.publish(detections_message(scene, self._workspace))
        if self._markers.get_subscription_count():
            self._markers.publish(markers_message(scene, self._workspace))

    def _report(self) -> Report:
        source = self._source
        if self._failure is not None:
            text = f'not configured: {type(self._failure).__name__}: {self._failure}'
            return Report(Level.ERROR, text)
        if source is None or not self._is_active:
            state = 'unconfigured' if source is None else 'inactive'
            return Report(Level.ERROR, f'{state}: no camera is listened to')
        return source.health.report()

    def _tell(self) -> None:
        report, now = self._report(), time.monotonic()
        before, self._told = self._told, report
        is_new = before is None or (before.level, before.message) != (report.level, report.message)
        if not is_new and now - self._told_at < _DIAGNOSTICS_S:
            return
        self._told_at = now
        status = status_message(report, f'{self.get_name()}: scene', self.get_namespace())
        stamp_ns = self.get_clock().now().nanoseconds
        self._diagnostics.publish(DiagnosticArray(header=header(stamp_ns, ''), status=[status]))
        if is_new:
            self._status.publish(status)

    # What it is asked for ------------------------------------------------------------------------

    def _forget(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._source is not None and self._is_active:
            self._source.forget()
        response.success = True
        return response

    def _get_masks(self, request: GetMasks.Request, response: GetMasks.Response) -> Any:
        try:
            return masks_response(self._masks.get(request.masks), response)
        except CapError as error:
            return _refused(response, error)

    def _detect(self, request: DetectObjects.Request, response: DetectObjects.Response) -> Any:
        try:
            source = self._source
            if source is None or not self._is_active:
                raise PerceptionLostError(self._report().message)
            finding = source.look_for(request.phrases, request.timeout_s)
        except CapError as error:
            return _refused(response, error)
        response.header = header(finding.stamp_ns, self._workspace)
        for phrase, thing in finding.found:
            response.found.append(phrase)
            response.objects.append(object_message(thing, finding.stamp_ns))
        return response


def _refused(response: Any, error: CapError) -> Any:
    response.error_code, response.error_msg = error_code(response, error), str(error)
    return response


def main() -> int:
    """Run the node."""
    return run_node(PerceptionNode, threads=1)
