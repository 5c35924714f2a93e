"""All tables together, for migrations and for whoever looks at every one of them."""

from service.records import (  # noqa: F401 - a table is known once its module is
    alert_tables,
    desk_tables,
    reply_tables,
    sending_tables,
    webhook_tables,
)
from service.records.tables import metadata

__all__ = ["metadata"]
