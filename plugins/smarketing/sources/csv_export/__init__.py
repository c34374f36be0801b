"""Source ``csv_export``: a folder of CSV files, mapped by YAML onto our raw entities."""

from smarketing.sources.csv_export.extraction import EntityCount, Extracted, extract
from smarketing.sources.csv_export.mapping import Mapping, MappingError, read_mapping

__all__ = [
    "EntityCount",
    "Extracted",
    "Mapping",
    "MappingError",
    "extract",
    "read_mapping",
]
