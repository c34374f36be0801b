"""Source ``csv_export``: a folder of CSV files, mapped by YAML onto our raw entities."""

from smarketing.sources.csv_export.errors import LoadError, MappingError, SourceError
from smarketing.sources.csv_export.extraction import EntityCount, Extracted, extract
from smarketing.sources.csv_export.mapping import Mapping, read_mapping

__all__ = [
    "EntityCount",
    "Extracted",
    "LoadError",
    "Mapping",
    "MappingError",
    "SourceError",
    "extract",
    "read_mapping",
]
