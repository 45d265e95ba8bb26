"""Licences: what every source and model of an artifact asks for, and what follows for the whole."""

from openbezoar.licences.records import LicenceVerdict, Origin
from openbezoar.licences.verdicts import told, verdict

__all__ = ["LicenceVerdict", "Origin", "told", "verdict"]
