"""The mapper: change events become wanted documents, and wanted documents become write commands."""
