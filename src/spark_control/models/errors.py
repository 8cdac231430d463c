"""What can go wrong with models and recipes."""

from spark_control.core.errors import BadInput, Conflict, NotFound, StorageTrouble, Unavailable


class ModelUnknown(NotFound):
    """No model of the menu has that key."""

    code = "model_unknown"
    hint = "`spark-control models` lists the menu."


class ModelNotOnDisk(Conflict):
    """There is a recipe with that key and its weights are on no Spark."""

    code = "model_not_on_disk"
    hint = "Download the model first."


class DisksUnread(Unavailable):
    """The model is on no Spark that was read, and not all of them could be read yet."""

    code = "disks_unread"
    hint = "Try again when the Spark that is named answers."


class BadRecipe(BadInput):
    """A recipe holds a value that cannot be used; nothing was stored."""

    code = "bad_recipe"
    hint = "Correct the named field and send the recipe again."


class OverridesUnreadable(StorageTrouble):
    """The file with custom recipes and knobs is there and cannot be read."""

    code = "overrides_unreadable"
    hint = "Mend the file or move it away; until then it is left as it is and not used."


class RecipeBundled(Conflict):
    """The recipe comes with Spark Control: it can be neither added again nor removed."""

    code = "recipe_bundled"
    hint = "Add one under another key, or change fields of it in `models-overrides.yaml`."


class RecipeExists(Conflict):
    """There is a custom recipe with that key already."""

    code = "recipe_exists"
    hint = "Send it again with `?replace=true` to put it in place of the other."


class RecipeUnknown(NotFound):
    """No custom recipe has that key."""

    code = "recipe_unknown"
    hint = "`spark-control models --recipes` lists them all."


class OverridesUnwritable(StorageTrouble):
    """The file with custom recipes could not be written; it is as it was."""

    code = "overrides_unwritable"
