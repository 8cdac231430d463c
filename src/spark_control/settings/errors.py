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


class HostNameTaken(Conflict):
    """Another Spark has that name."""

    code = "host_name_taken"
    hint = "Give it another name."


class HostAddressTaken(Conflict):
    """A Spark of the fleet has that address and port."""

    code = "host_address_taken"
    hint = "Remove the other one first, or correct the address."


class FleetFull(Conflict):
    """There are as many Sparks as Spark Control can hold."""

    code = "fleet_full"
    hint = "Remove one first."


class HostInEnvironment(Conflict):
    """The Spark is named by the environment, which would bring it back at the next start."""

    code = "host_in_environment"
    hint = "Take its `SPARKn_…` variables out of the environment and start again."


class HostInUse(Conflict):
    """Something runs on the Spark, so it can be neither changed nor removed."""

    code = "host_in_use"
    hint = "Wait until it has ended, or cancel it; `spark-control jobs` lists what runs."


class BackupInvalid(BadInput):
    """The file is no backup that can be restored; nothing was changed."""

    code = "backup_invalid"
    hint = "Take another backup."


class BackupFailed(StorageTrouble):
    """The backup could not be written or restored."""

    code = "backup_failed"


class DataDirNotEmpty(Conflict):
    """There are files in the folder that a backup is to be restored to."""

    code = "data_dir_not_empty"
    hint = "`--replace` puts what is there aside, into a folder of its own."


class RestoreCut(Conflict):
    """A restore into this data directory was cut off in the middle."""

    code = "restore_cut"
    hint = "Run it again with `--replace`; what was there before lies in `before-restore-…`."
