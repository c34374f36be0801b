"""Marketing and sales, measured against what they promised each other, every night."""
