"""Rivals: recommenders from elsewhere, in the same evaluation on the same split as ``rank``. See docs/MODEL.md."""
