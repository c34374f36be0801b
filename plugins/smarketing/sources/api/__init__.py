"""What the sources behind an API share: tables, calls within limits, streams that resume."""
