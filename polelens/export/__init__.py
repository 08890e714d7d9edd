"""What an audit found, as files for the system that holds the photographs."""

from polelens.export.coco import Regions, export_coco
from polelens.export.sinks import SINKS
from polelens.export.tables import export_tables

__all__ = ["SINKS", "Regions", "export_coco", "export_tables"]
