import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.HandlerRegistry;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCredentials;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/** A server on grpc-java. It takes every call for a stream, which on the wire is the same. */
final class Service extends HandlerRegistry {
  private static final Set<String> METHODS =
      Set.of("Echo", "Describe", "End", "Gate", "Count", "Collect", "Chat", "Farewell", "Hang");
  private final Semaphore gate = new Semaphore(0);

  void serve(JsonObject options) throws IOException {
    Server server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0), credentials(options))
            .maxInboundMessageSize(64 << 20)
            .maxInboundMetadataSize(64 << 10)
            .fallbackHandlerRegistry(this)
            .build()
            .start();
    JsonObject listening = Wire.event("listening");
    listening.addProperty("address", "127.0.0.1:" + server.getPort());
    Wire.tell(listening);
    Wire.eachLine(order -> obey(server, order.get("do").getAsString()));
  }

  private void obey(Server server, String order) {
    switch (order) {
      case "open" -> gate.release();
      case "close" -> server.shutdownNow();
      default -> {
        server.shutdown();
        new Thread(
                () -> {
                  try {
                    server.awaitTermination();
                    Wire.tell(Wire.event("drained"));
                  } catch (InterruptedException interrupted) {
                    throw new IllegalStateException(interrupted);
                  }
                })
            .start();
      }
    }
  }

  private static ServerCredentials credentials(JsonObject options) throws IOException {
    if (!options.has("tls")) return InsecureServerCredentials.create();
    JsonObject tls = options.getAsJsonObject("tls");
    TlsServerCredentials.Builder builder =
        TlsServerCredentials.newBuilder().keyManager(Wire.pem(tls, "certificate"), Wire.pem(tls, "key"));
    if (tls.has("ca")) {
      builder.trustManager(Wire.pem(tls, "ca")).clientAuth(TlsServerCredentials.ClientAuth.REQUIRE);
    }
    return builder.build();
  }

  @Override
  public ServerMethodDefinition<?, ?> lookupMethod(String path, String authority) {
    String method = path.substring(path.lastIndexOf('/') + 1);
    if (!METHODS.contains(method)) return null;
    return ServerMethodDefinition.create(
        Wire.method(path, MethodType.BIDI_STREAMING), (call, headers) -> new Handler(call, headers, method));
  }

  private final class Handler extends ServerCall.Listener<byte[]> {
    private final ServerCall<byte[], byte[]> call;
    private final Metadata headers;
    private final String method;
    private final Deadline deadline = Context.current().getDeadline();
    private boolean isOpen = true;
    private int messages;
    private int bytes;

    Handler(ServerCall<byte[], byte[]> call, Metadata headers, String method) {
      this.call = call;
      this.headers = headers;
      this.method = method;
      call.sendHeaders(new Metadata());
      call.request(Integer.MAX_VALUE);
      if (method.equals("Hang")) call.sendMessage("ready".getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void onMessage(byte[] message) {
      switch (method) {
        case "Echo", "Farewell" -> answer(message);
        case "Describe" -> answer(Wire.GSON.toJson(describe()).getBytes(StandardCharsets.UTF_8));
        case "End" -> end(Wire.GSON.fromJson(new String(message, StandardCharsets.UTF_8), JsonObject.class));
        case "Gate" -> {
          Wire.tell(Wire.event("gated"));
          gate.acquireUninterruptibly();
          answer(message);
        }
        case "Count" -> count(Wire.GSON.fromJson(new String(message, StandardCharsets.UTF_8), JsonObject.class));
        case "Chat" -> call.sendMessage(message);
        default -> {
          messages++;
          bytes += message.length;
        }
      }
    }

    @Override
    public void onHalfClose() {
      if (!isOpen || method.equals("Hang")) return;
      if (method.equals("Collect")) {
        JsonObject sum = new JsonObject();
        sum.addProperty("messages", messages);
        sum.addProperty("bytes", bytes);
        call.sendMessage(Wire.GSON.toJson(sum).getBytes(StandardCharsets.UTF_8));
      }
      close(Status.OK, new Metadata());
    }

    @Override
    public void onCancel() {
      if (!method.equals("Hang")) return;
      JsonObject lost = Wire.event("lost");
      lost.addProperty("code", deadline != null && deadline.isExpired() ? "DEADLINE_EXCEEDED" : "CANCELLED");
      Wire.tell(lost);
    }

    private void answer(byte[] message) {
      call.sendMessage(message);
      close(Status.OK, new Metadata());
    }

    private void close(Status status, Metadata trailers) {
      isOpen = false;
      call.close(status, trailers);
    }

    private void count(JsonObject asked) {
      for (int number = 0; number < asked.get("count").getAsInt(); number++) {
        byte[] message = new byte[asked.get("bytes").getAsInt()];
        Arrays.fill(message, (byte) number);
        call.sendMessage(message);
      }
      close(Status.OK, new Metadata());
    }

    private void end(JsonObject asked) {
      Metadata trailers = new Metadata();
      for (Map.Entry<String, JsonElement> each : asked.getAsJsonObject("trailers").entrySet()) {
        trailers.put(Wire.key(each.getKey()), each.getValue().getAsString());
      }
      Status status = Status.fromCodeValue(asked.get("code").getAsInt());
      if (status.isOk()) call.sendMessage(new byte[0]);
      else status = status.withDescription(asked.get("message").getAsString());
      close(status, trailers);
    }

    private JsonObject describe() {
      JsonObject described = new JsonObject();
      described.add("metadata", Wire.texts(headers));
      if (deadline != null) described.addProperty("timeoutMs", deadline.timeRemaining(TimeUnit.MILLISECONDS));
      SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
      if (session != null) {
        try {
          String name = ((X509Certificate) session.getPeerCertificates()[0]).getSubjectX500Principal().getName();
          described.addProperty("principal", name.replaceFirst("^CN=", ""));
        } catch (SSLPeerUnverifiedException anonymous) {
          // A client without a certificate has no name.
        }
      }
      return described;
    }
  }
}
