"""The rule-based model that needs neither key nor network."""

from cap_planner.models.offline.model import OfflineModel

__all__ = ['OfflineModel']
