"""How calls fail."""

from __future__ import annotations

import grpc


class NotAdmittedError(Exception):
    """Raised when the sidecar refuses to register this plugin."""


class RpcError(Exception):
    """How a call failed: a gRPC status other than OK, and a message for a person."""

    code: str
    """The gRPC status by name, such as `INVALID_ARGUMENT`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def rpc_error(error: grpc.aio.AioRpcError) -> RpcError:
    return RpcError(error.code().name, error.details() or "")


def is_lost_connection(error: RpcError) -> bool:
    """Whether the stream is reopened on the next connection."""
    return error.code in ("UNAVAILABLE", "CANCELLED")


def message_of(error: BaseException) -> str:
    """What a person is told of an error, never empty."""
    return str(error) or type(error).__name__
