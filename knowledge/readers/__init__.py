"""Files of many formats, read as Markdown."""
