# Made by `npm run gen:python` from the proto files; do not edit it by hand.

from meridian_plugin._wire.pool import names_in

globals().update(names_in("meridian_plugin/_wire/envelope.proto"))
