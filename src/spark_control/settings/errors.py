"""What can go wrong with settings."""

from spark_control.core.errors import BadInput, Conflict, StorageTrouble


class SettingUnknown(BadInput):
    """No setting has that name."""

    code = "setting_unknown"
    hint = "`spark-control settings` lists all names."


class SettingInvalid(BadInput):
    """A setting was given a value it cannot take; nothing was saved."""

    code = "setting_invalid"
    hint = "Correct the value and save again."


class SettingsChanged(Conflict):
    """Somebody saved settings since this form was opened; nothing was saved."""

    code = "settings_changed"
    hint = "Load the settings again and repeat the change."


class SettingsUnwritable(StorageTrouble):
    """The settings file could not be written."""

    code = "settings_unwritable"


class DataDirTrouble(StorageTrouble):
    """The data directory cannot be used."""

    code = "data_dir_trouble"
    hint = "Give Spark Control a folder it may write to with `DATA_DIR` or `--data-dir`."


class DataDirTaken(Conflict):
    """Another Spark Control runs on the same data directory."""

    code = "data_dir_taken"
    hint = "Stop the other one, or give this one its own `--data-dir`."


class SettingsUnreadable(StorageTrouble):
    """The settings file is there and cannot be read; the environment and defaults are used."""

    code = "settings_unreadable"
    hint = "Mend the file or move it away, then start Spark Control again."
