"""What gRPC's C core makes of the plugin's port: statuses, sizes, streams and ends.

Each class runs by itself against a fresh sidecar at SIDECAR_ADDR.
"""

import os
import queue
import signal
import threading
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from meridian.sidecar.v1.plugin_pb2 import (
    Acknowledge,
    Answer,
    Attach,
    ConsumedMessage,
    ConsumeRequest,
    Credit,
    LifecycleRequest,
    OpenServer,
    OpenSubscription,
    PublishBatch,
    PublishItem,
    PublishOutcome,
    SaveStateRequest,
    ServeRequest,
    Stopped,
)
from meridian.sidecar.v1.plugin_pb2_grpc import PluginServiceStub
from meridian.v1.sidecar_pb2 import (
    CallFailure,
    CallRequest,
    HeartbeatRequest,
    LeaveRequest,
    PublishReply,
    PublishRequest,
    RegisterRequest,
    SubscribeRequest,
)
from meridian.v1.sidecar_pb2_grpc import SidecarServiceStub

MESSAGE_BYTES = 1024 * 1024 + 64 * 1024
PAYLOAD_BYTES = 960 * 1024
SERVICE = "/meridian.v1.SidecarService"


class Requests:
    """The requests of a bidirectional call, given one by one."""

    def __init__(self, *first: Any) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for request in first:
            self.send(request)

    def send(self, request: Any) -> None:
        self._queue.put(request)

    def end(self) -> None:
        self._queue.put(None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._queue.get, None)


class Interop(unittest.TestCase):
    def setUp(self) -> None:
        self.channel = self.connect()
        self.sidecar = SidecarServiceStub(self.channel)
        self.plugin = PluginServiceStub(self.channel)

    def connect(self, **options: Any) -> grpc.Channel:
        named = [(f"grpc.{key}", value) for key, value in options.items()]
        channel = grpc.insecure_channel(
            os.environ["SIDECAR_ADDR"],
            options=[*named, ("grpc.use_local_subchannel_pool", 1)],
        )
        self.addCleanup(channel.close)
        return channel

    def register(self) -> None:
        reply = self.sidecar.Register(RegisterRequest(schema_version="1.0.0"))
        self.assertTrue(reply.admitted)

    def status_of(self, call: Callable[..., Any], *args: Any) -> tuple[str, str]:
        with self.assertRaises(grpc.RpcError) as raised:
            call(*args)
        return raised.exception.code().name, raised.exception.details()

    def raw(self, path: str, request: bytes) -> bytes:
        return self.channel.unary_unary(path)(request)

    def publish(
        self, request: PublishRequest, compression: grpc.Compression | None = None
    ) -> PublishReply:
        return self.sidecar.Publish(request, compression=compression)

    def consume(self, requests: Requests) -> Any:
        """Opens a subscription and waits until it stands."""
        events = self.plugin.Consume(iter(requests))
        self.assertEqual(next(events).WhichOneof("event"), "opened")
        return events


def opening(name: str, pattern: str = "demo.ticks", **credit: int) -> ConsumeRequest:
    return ConsumeRequest(
        open=OpenSubscription(
            name=name,
            pattern=pattern,
            credit=Credit(**{"messages": 256, "bytes": 4 * 1024 * 1024, **credit}),
        )
    )


class BeforeRegister(Interop):
    def test_nothing_else_succeeds(self) -> None:
        code, details = self.status_of(self.sidecar.Leave, LeaveRequest())
        self.assertEqual(code, "FAILED_PRECONDITION")
        self.assertEqual(details, "not registered: call Register first")


class Statuses(Interop):
    def test_details_of_any_characters_arrive_as_they_are(self) -> None:
        self.register()
        for pattern in (
            "demo.é",
            "demo.%41",
            "demo.☃\n\t",
            "demo.100%",
            "demo.\U0001f600",
        ):
            with self.subTest(pattern):
                request = SubscribeRequest(pattern=pattern)
                code, details = self.status_of(next, self.sidecar.Subscribe(request))
                self.assertEqual(code, "INVALID_ARGUMENT")
                self.assertIn(f'"{pattern}" is not a pattern', details)

    def test_details_of_any_length_do_not_hide_the_status(self) -> None:
        self.register()
        for character, length in (("a", 5_000), ("a", 500_000), ("\U0001f600", 5_000)):
            with self.subTest(character=character, length=length):
                request = SubscribeRequest(pattern=character * length)
                code, details = self.status_of(next, self.sidecar.Subscribe(request))
                self.assertEqual(code, "INVALID_ARGUMENT", details)
        reply = self.sidecar.Publish(PublishRequest(topic="a" * 500_000))
        self.assertFalse(reply.accepted)

    def test_unknown_methods_and_services(self) -> None:
        for path in (f"{SERVICE}/Nothing", "/meridian.v1.Nothing/Register"):
            with self.subTest(path):
                code, _ = self.status_of(self.raw, path, b"")
                self.assertEqual(code, "UNIMPLEMENTED")

    def test_what_is_no_message_is_refused_and_the_connection_lives_on(self) -> None:
        self.register()
        for request in (b"\x0a\xff", b"\xff\xff\xff", b"\x0a\x02\xff\xfe"):
            with self.subTest(request):
                code, details = self.status_of(self.raw, f"{SERVICE}/Publish", request)
                self.assertIn(code, ("INVALID_ARGUMENT", "INTERNAL"), details)
        self.sidecar.Heartbeat(HeartbeatRequest(healthy=True))

    def test_a_deadline_that_passes_leaves_the_connection_as_it_is(self) -> None:
        self.register()
        requests = Requests(ServeRequest(open=OpenServer(pattern="demo.never")))
        events = self.plugin.Serve(iter(requests))
        self.assertEqual(next(events).WhichOneof("event"), "serving")
        call = CallRequest(topic="demo.never")
        code, _ = self.status_of(self.sidecar.Call.future(call, timeout=0.2).result)
        self.assertEqual(code, "DEADLINE_EXCEEDED")
        call.timeout_ms = 100
        reply = self.sidecar.Call(call)
        self.assertEqual(reply.failure, CallFailure.CALL_FAILURE_TIMEOUT)
        events.cancel()

    def test_metadata_of_a_plugins_own_does_no_harm(self) -> None:
        metadata = [("x-bytes-bin", bytes(range(256))), ("x-long", "y" * 6_000)]
        request = RegisterRequest(schema_version="1.0.0")
        reply = self.sidecar.Register(request, metadata=metadata)
        self.assertTrue(reply.admitted)


class Sizes(Interop):
    def test_the_largest_payload_comes_back_whole(self) -> None:
        self.register()
        events = self.consume(Requests(opening("large")))
        payload = os.urandom(PAYLOAD_BYTES)
        request = PublishRequest(topic="demo.ticks", payload=payload)
        self.assertTrue(self.sidecar.Publish(request).accepted)
        self.assertEqual(next(events).message.envelope.payload, payload)
        events.cancel()

    def test_larger_ones_are_refused_and_the_streams_beside_them_live_on(self) -> None:
        self.register()
        events = self.consume(Requests(opening("beside")))
        for size in (PAYLOAD_BYTES + 1, MESSAGE_BYTES + 1, 3 * MESSAGE_BYTES) * 10:
            request = PublishRequest(topic="demo.ticks", payload=bytes(size))
            code, details = self.status_of(self.publish, request)
            is_message = size < MESSAGE_BYTES
            expected = "INVALID_ARGUMENT" if is_message else "RESOURCE_EXHAUSTED"
            self.assertEqual(code, expected, details)
        self.sidecar.Publish(PublishRequest(topic="demo.ticks", payload=b"alive"))
        self.assertEqual(next(events).message.envelope.payload, b"alive")
        events.cancel()

    def test_compressed_messages_are_understood_and_measured_unpacked(self) -> None:
        self.register()
        for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            with self.subTest(compression):
                request = PublishRequest(topic="demo.ticks", payload=bytes(500_000))
                reply = self.sidecar.Publish(request, compression=compression)
                self.assertTrue(reply.accepted)
                request.payload = bytes(3 * MESSAGE_BYTES)
                code, details = self.status_of(self.publish, request, compression)
                self.assertEqual(code, "RESOURCE_EXHAUSTED", details)

    def test_the_largest_state_is_saved_and_a_larger_one_refused(self) -> None:
        self.register()
        state = os.urandom(1024 * 1024)
        self.plugin.SaveState(SaveStateRequest(state=state))
        request = SaveStateRequest(state=state + b"x")
        code, details = self.status_of(self.plugin.SaveState, request)
        self.assertEqual(code, "RESOURCE_EXHAUSTED", details)


class Streams(Interop):
    def test_a_half_closed_subscription_ends_in_order(self) -> None:
        self.register()
        requests = Requests(opening("half"))
        events = self.consume(requests)
        requests.end()
        self.assertEqual(list(events), [])
        self.assertEqual(events.code(), grpc.StatusCode.OK)

    def test_a_half_closed_publish_stream_answers_every_item_first(self) -> None:
        self.register()
        batches = [
            PublishBatch(
                items=[
                    PublishItem(
                        client_sequence=batch * 50 + index,
                        request=PublishRequest(topic="demo.many", payload=b"x" * 100),
                    )
                    for index in range(50)
                ]
            )
            for batch in range(20)
        ]
        replies = self.plugin.Publish(iter(batches))
        results = [result for reply in replies for result in reply.results]
        self.assertEqual(
            [result.client_sequence for result in results], [*range(1_000)]
        )
        accepted = PublishOutcome.PUBLISH_OUTCOME_ACCEPTED
        self.assertEqual({result.outcome for result in results}, {accepted})

    def test_a_cancelled_subscription_can_be_opened_again_at_once(self) -> None:
        self.register()
        for _ in range(200):
            self.consume(Requests(opening("again"))).cancel()

    def test_a_thousand_publishes_at_a_time(self) -> None:
        self.register()
        request = PublishRequest(topic="demo.many", payload=b"x")
        calls = [self.sidecar.Publish.future(request) for _ in range(1_000)]
        ids = {call.result().message_id for call in calls}
        self.assertEqual(len(ids), 1_000)

    def test_a_slow_reader_of_large_messages_gets_them_all_in_order(self) -> None:
        self.register()
        count = 300
        requests = Requests(opening("slow", messages=8))
        events = self.consume(requests)

        def publish() -> None:
            for number in range(count):
                payload = number.to_bytes(4) * 25_000
                self.sidecar.Publish(
                    PublishRequest(topic="demo.ticks", payload=payload)
                )

        publisher = threading.Thread(target=publish)
        publisher.start()
        for number in range(count):
            message = self.next_message(events)
            self.assertEqual(message.envelope.payload[:4], number.to_bytes(4))
            positions = Acknowledge(positions=[message.position])
            requests.send(ConsumeRequest(acknowledge=positions))
            credit = Credit(messages=1, bytes=message.credit_bytes)
            requests.send(ConsumeRequest(credit=credit))
        publisher.join()
        events.cancel()

    def next_message(self, events: Any) -> ConsumedMessage:
        return next(
            event.message for event in events if event.WhichOneof("event") == "message"
        )

    def test_subscriptions_over_the_limit_are_refused(self) -> None:
        self.register()
        streams = [self.consume(Requests(opening(f"s{n}"))) for n in range(512)]
        one_more = self.plugin.Consume(iter(Requests(opening("one-more"))))
        code, details = self.status_of(next, one_more)
        self.assertEqual(code, "RESOURCE_EXHAUSTED", details)
        for stream in streams:
            stream.cancel()

    def test_pings_several_times_a_second_do_no_harm(self) -> None:
        channel = self.connect(
            keepalive_time_ms=100,
            keepalive_timeout_ms=20_000,
            keepalive_permit_without_calls=1,
            **{"http2.max_pings_without_data": 0},
        )
        sidecar = SidecarServiceStub(channel)
        plugin = PluginServiceStub(channel)
        sidecar.Register(RegisterRequest(schema_version="1.0.0"))
        events = plugin.Serve(
            iter(Requests(ServeRequest(open=OpenServer(pattern="demo.never"))))
        )
        self.assertEqual(next(events).WhichOneof("event"), "serving")
        reply = sidecar.Call(CallRequest(topic="demo.never", timeout_ms=4_000))
        self.assertEqual(reply.failure, CallFailure.CALL_FAILURE_TIMEOUT)
        events.cancel()


class Ends(Interop):
    def test_what_is_under_way_is_finished_when_the_sidecar_stops(self) -> None:
        self.register()
        callbacks = Requests(LifecycleRequest(attach=Attach(client="interop")))
        events = self.plugin.Lifecycle(iter(callbacks))
        self.assertEqual(next(events).WhichOneof("event"), "attached")
        answers = Requests(ServeRequest(open=OpenServer(pattern="demo.sum")))
        served = self.plugin.Serve(iter(answers))
        self.assertEqual(next(served).WhichOneof("event"), "serving")
        call = self.sidecar.Call.future(
            CallRequest(topic="demo.sum", timeout_ms=60_000)
        )
        request = next(served).request

        os.kill(int(os.environ["SIDECAR_PID"]), signal.SIGTERM)
        while next(events).WhichOneof("event") != "stop":
            pass
        publish = PublishRequest(topic="demo.ticks")
        self.assertTrue(self.sidecar.Publish(publish).accepted)
        answers.send(
            ServeRequest(answer=Answer(request_id=request.request_id, ok=True))
        )
        self.assertTrue(call.result().ok)
        callbacks.send(LifecycleRequest(stopped=Stopped()))
        self.sidecar.Leave(LeaveRequest(reason="done"))
        self.assertEqual(list(events), [])
        self.assertEqual(self.status_of(next, served)[0], "CANCELLED")
        connectivity: queue.SimpleQueue[grpc.ChannelConnectivity] = queue.SimpleQueue()
        self.channel.subscribe(connectivity.put)
        while connectivity.get(timeout=30) == grpc.ChannelConnectivity.READY:
            pass
        code, _ = self.status_of(self.publish, publish)
        self.assertEqual(code, "UNAVAILABLE")


if __name__ == "__main__":
    unittest.main(verbosity=2)
