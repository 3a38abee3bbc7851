"""Makes the classes of the messages, in a pool that nobody else uses.

Protobuf's default pool is one for the whole process, and refuses a second
definition of `meridian.v1`, which other packages bring, too.
"""

import base64
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message_factory import GetMessageClass

from meridian_plugin._wire.descriptors import DESCRIPTOR_SET

_pool = DescriptorPool()
for _file in FileDescriptorSet.FromString(base64.b64decode(DESCRIPTOR_SET)).file:
    _pool.AddSerializedFile(_file.SerializeToString())


def names_in(file: str) -> dict[str, Any]:
    """What generated code would define for a proto file: messages, enums, values."""
    found = _pool.FindFileByName(file)
    names: dict[str, Any] = {
        name: GetMessageClass(message)
        for name, message in found.message_types_by_name.items()
    }
    for name, enum in found.enum_types_by_name.items():
        names[name] = EnumTypeWrapper(enum)
        names.update({value.name: value.number for value in enum.values})
    return names
