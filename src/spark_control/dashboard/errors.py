"""What can go wrong when the page is served."""

from spark_control.core.errors import NotFound


class AssetUnknown(NotFound):
    """The page has no such file; a page of an older version may have asked for it."""

    code = "asset_unknown"
    hint = "Reload the page."
