"""What can go wrong with models and recipes."""

from spark_control.core.errors import BadInput, Conflict, NotFound, StorageTrouble


class ModelUnknown(NotFound):
    """No model of the menu has that key."""

    code = "model_unknown"
    hint = "`spark-control models` lists the menu."


class ModelNotOnDisk(Conflict):
    """There is a recipe with that key and its weights are on no Spark."""

    code = "model_not_on_disk"
    hint = "Download the model first."


class BadRecipe(BadInput):
    """A recipe holds a value that cannot be used; nothing was stored."""

    code = "bad_recipe"
    hint = "Correct the named field and send the recipe again."


class OverridesUnreadable(StorageTrouble):
    """The file with custom recipes and knobs is there and cannot be read."""

    code = "overrides_unreadable"
    hint = "Mend the file or move it away; until then it is left as it is and not used."
