"""The methods of the sidecar's port, by their paths on the wire."""

from typing import Any

import grpc

from meridian_plugin._wire import plugin_pb2, sidecar_pb2


class Methods:
    """The calls of both services, on one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        def unary(path: str, request: Any, reply: Any) -> Any:
            return channel.unary_unary(
                path,
                request_serializer=request.SerializeToString,
                response_deserializer=reply.FromString,
            )

        def stream(path: str, request: Any, reply: Any) -> Any:
            return channel.stream_stream(
                path,
                request_serializer=request.SerializeToString,
                response_deserializer=reply.FromString,
            )

        v1, own = sidecar_pb2, plugin_pb2
        contract = "/meridian.v1.SidecarService"
        service = "/meridian.sidecar.v1.PluginService"
        self.register = unary(
            f"{contract}/Register", v1.RegisterRequest, v1.RegisterReply
        )
        self.publish_one = unary(
            f"{contract}/Publish", v1.PublishRequest, v1.PublishReply
        )
        self.call = unary(f"{contract}/Call", v1.CallRequest, v1.CallReply)
        self.leave = unary(f"{contract}/Leave", v1.LeaveRequest, v1.LeaveReply)
        self.save_state = unary(
            f"{service}/SaveState", own.SaveStateRequest, own.SaveStateReply
        )
        self.load_state = unary(
            f"{service}/LoadState", own.LoadStateRequest, own.LoadStateReply
        )
        self.lifecycle = stream(
            f"{service}/Lifecycle", own.LifecycleRequest, own.LifecycleEvent
        )
        self.publish = stream(
            f"{service}/Publish", own.PublishBatch, own.PublishResults
        )
        self.consume = stream(
            f"{service}/Consume", own.ConsumeRequest, own.ConsumeEvent
        )
        self.serve = stream(f"{service}/Serve", own.ServeRequest, own.ServeEvent)
