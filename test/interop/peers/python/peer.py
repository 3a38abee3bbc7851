"""A client or a server on gRPC's C core that does what lines of JSON on stdin ask; peer-process.ts has their form."""

import base64
import json
import sys
import threading
import time
from concurrent import futures

import grpc

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
OUTPUT = threading.Lock()


def tell(line):
    with OUTPUT:
        print(json.dumps(line), flush=True)


def each_line(handle):
    for line in sys.stdin:
        handle(json.loads(line))


def texts(metadata):
    return {key: value for key, value in metadata or () if isinstance(value, str)}


class Client:
    def __init__(self, options):
        tls = options.get("tls")
        if tls:
            pem = {name: text.encode() for name, text in tls.items()}
            credentials = grpc.ssl_channel_credentials(pem.get("ca"), pem.get("key"), pem.get("certificate"))
            self.channel = grpc.secure_channel(options["address"], credentials, UNLIMITED)
        else:
            self.channel = grpc.insecure_channel(options["address"], UNLIMITED)

    def run(self, order):
        done = {"id": order["id"], "code": 0, "message": "", "received": [], "trailers": {}}
        try:
            {"many": self.many, "unary": self.unary}.get(order["kind"], self.stream)(order, done)
        except grpc.RpcError as failure:
            self.end(failure, done)
        tell(done)

    def end(self, call, done):
        done["code"] = call.code().value[0]
        done["message"] = call.details() or ""
        done["trailers"] = texts(call.trailing_metadata())

    def settings(self, order):
        metadata = list(order.get("metadata", {}).items())
        metadata += [(key, base64.b64decode(value)) for key, value in order.get("binary", {}).items()]
        timeout = order["timeoutMs"] / 1000 if order.get("timeoutMs") else None
        compression = grpc.Compression.Gzip if order.get("compress") else None
        return {"metadata": metadata, "timeout": timeout, "compression": compression}

    def unary(self, order, done):
        call = self.channel.unary_unary("/interop.Peer/" + order["method"])
        request = base64.b64decode(order["send"][0])
        answer, ended = call.with_call(request, **self.settings(order))
        done["received"] = [base64.b64encode(answer).decode()]
        self.end(ended, done)

    def stream(self, order, done):
        answered = threading.Semaphore(0)
        over = threading.Event()

        def requests():
            for message in order.get("send", []):
                yield base64.b64decode(message)
                if order.get("inTurn"):
                    answered.acquire()
            if order.get("staysOpen"):
                over.wait()

        call = self.channel.stream_stream("/interop.Peer/" + order["method"])(requests(), **self.settings(order))
        try:
            for message in call:
                done["received"].append(base64.b64encode(message).decode())
                answered.release()
                if len(done["received"]) == order.get("cancelAfter"):
                    call.cancel()
        except grpc.RpcError:
            pass
        finally:
            over.set()
            answered.release(1000)
        self.end(call, done)

    def many(self, order, done):
        echo = self.channel.unary_unary("/interop.Peer/Echo")
        limit = threading.Semaphore(order["atOnce"])
        counted = threading.Lock()
        codes, unequal, calls = {}, [], []

        def finish(call, request):
            limit.release()
            code = str(call.code().value[0])
            with counted:
                codes[code] = codes.get(code, 0) + 1
            if code == "0" and call.result() != request:
                unequal.append(request)

        if order["atOnce"] == 1:
            for turn in range(order["total"]):
                request = bytes([turn % 256]) * order["bytes"]
                if echo(request) != request:
                    unequal.append(request)
            codes["0"] = order["total"]
        else:
            for turn in range(order["total"]):
                limit.acquire()
                request = bytes([turn % 256]) * order["bytes"]
                call = echo.future(request)
                calls.append(call)
                call.add_done_callback(lambda ended, request=request: finish(ended, request))
            for _ in range(order["atOnce"]):
                limit.acquire()
        done["codes"], done["unequal"] = codes, len(unequal)


class Server(grpc.GenericRpcHandler):
    def __init__(self, options):
        self.gated = threading.Semaphore(0)
        sizes = ["grpc.max_metadata_size", "grpc.absolute_max_metadata_size"]
        settings = UNLIMITED + [(name, 65536) for name in sizes]
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=64), options=settings)
        self.server.add_generic_rpc_handlers((self,))
        tls = options.get("tls")
        if tls:
            pem = {name: text.encode() for name, text in tls.items()}
            asks = "ca" in pem
            pair = [(pem["key"], pem["certificate"])]
            credentials = grpc.ssl_server_credentials(pair, pem.get("ca"), require_client_auth=asks)
            port = self.server.add_secure_port("127.0.0.1:0", credentials)
        else:
            port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        tell({"event": "listening", "address": f"127.0.0.1:{port}"})

    def obey(self, order):
        if order["do"] == "open":
            self.gated.release()
        elif order["do"] == "drain":
            stopped = self.server.stop(grace=60)
            threading.Thread(target=lambda: (stopped.wait(), tell({"event": "drained"}))).start()
        elif order["do"] == "close":
            self.server.stop(grace=None)

    def service(self, details):
        serves = getattr(self, details.method.rpartition("/")[2].lower(), None)
        known = {"echo", "describe", "end", "gate", "count", "collect", "chat", "farewell", "hang"}
        if details.method.rpartition("/")[2].lower() not in known:
            return None
        return grpc.stream_stream_rpc_method_handler(serves)

    def echo(self, requests, _):
        yield next(requests)

    farewell = echo

    def describe(self, requests, context):
        next(requests)
        described = {"metadata": texts(context.invocation_metadata())}
        remaining = context.time_remaining()
        if remaining is not None:
            described["timeoutMs"] = int(remaining * 1000)
        names = context.auth_context().get("x509_common_name")
        if names:
            described["principal"] = names[0].decode()
        yield json.dumps(described).encode()

    def end(self, requests, context):
        asked = json.loads(next(requests))
        context.set_trailing_metadata(tuple(asked.get("trailers", {}).items()))
        if asked["code"] != 0:
            codes = {code.value[0]: code for code in grpc.StatusCode}
            context.abort(codes[asked["code"]], asked["message"])
        yield b""

    def gate(self, requests, _):
        request = next(requests)
        tell({"event": "gated"})
        self.gated.acquire()
        yield request

    def count(self, requests, _):
        asked = json.loads(next(requests))
        for number in range(asked["count"]):
            yield bytes([number % 256]) * asked["bytes"]

    def collect(self, requests, _):
        sizes = [len(message) for message in requests]
        yield json.dumps({"messages": len(sizes), "bytes": sum(sizes)}).encode()

    def chat(self, requests, _):
        yield from requests

    def hang(self, _, context):
        lost = threading.Event()
        deadline = context.time_remaining()
        ends = None if deadline is None else time.monotonic() + deadline

        # Not behind the message: this is not resumed when the call is lost while that leaves.
        def on_lost():
            lost.set()
            passed = ends is not None and time.monotonic() >= ends - 0.01
            tell({"event": "lost", "code": "DEADLINE_EXCEEDED" if passed else "CANCELLED"})

        if not context.add_callback(on_lost):
            on_lost()
        yield b"ready"
        lost.wait()


def main():
    options = json.loads(sys.argv[1])
    if options["role"] == "server":
        server = Server(options)
        each_line(server.obey)
    else:
        client = Client(options)
        each_line(lambda order: threading.Thread(target=client.run, args=(order,), daemon=True).start())


main()
