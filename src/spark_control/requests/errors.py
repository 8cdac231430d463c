"""What can go wrong when records are asked for."""

from spark_control.core.errors import BadInput


class QueryInvalid(BadInput):
    """The query for records cannot be read."""

    code = "query_invalid"
    hint = "`/docs` shows what it takes."
