"""Where the client reports what nobody awaits."""

import logging

log = logging.getLogger("meridian_plugin")
