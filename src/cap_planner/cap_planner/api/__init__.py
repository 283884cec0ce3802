"""The robot API that programs see, declared once for prompts, verifier, broker, child and docs."""

from cap_planner.api import tabletop, whiteboard
from cap_planner.api.spec import Api, api_from_module

TABLETOP: Api = api_from_module('tabletop', tabletop)
WHITEBOARD: Api = api_from_module('whiteboard', whiteboard)
