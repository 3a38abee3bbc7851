import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.grpc.CallOptions;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A client or a server on grpc-java that does what lines of JSON on stdin ask; peer-process.ts has their form. */
public final class Peer {
  public static void main(String[] args) throws Exception {
    JsonObject options = Wire.GSON.fromJson(args[0], JsonObject.class);
    if (options.get("role").getAsString().equals("server")) new Service().serve(options);
    else call(options);
    System.exit(0);
  }

  private static void call(JsonObject options) throws IOException {
    ManagedChannel channel =
        NettyChannelBuilder.forTarget("dns:///" + options.get("address").getAsString(), credentials(options))
            .maxInboundMessageSize(64 << 20)
            .maxInboundMetadataSize(64 << 10)
            .build();
    Wire.eachLine(order -> new Thread(() -> run(channel, order)).start());
  }

  private static ChannelCredentials credentials(JsonObject options) throws IOException {
    if (!options.has("tls")) return InsecureChannelCredentials.create();
    JsonObject tls = options.getAsJsonObject("tls");
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder().trustManager(Wire.pem(tls, "ca"));
    if (tls.has("key")) builder.keyManager(Wire.pem(tls, "certificate"), Wire.pem(tls, "key"));
    return builder.build();
  }

  private static void run(ManagedChannel channel, JsonObject order) {
    JsonObject done = new JsonObject();
    done.add("id", order.get("id"));
    try {
      if (order.get("kind").getAsString().equals("many")) many(channel, order, done);
      else call(channel, order, done);
    } catch (InterruptedException | RuntimeException failure) {
      done.addProperty("code", -1);
      done.addProperty("message", failure.toString());
    }
    Wire.tell(done);
  }

  private static boolean flag(JsonObject order, String name) {
    return order.has(name) && order.get(name).getAsBoolean();
  }

  private static void call(ManagedChannel channel, JsonObject order, JsonObject done) throws InterruptedException {
    boolean isUnary = order.get("kind").getAsString().equals("unary");
    CallOptions options = CallOptions.DEFAULT;
    if (order.has("timeoutMs")) {
      options = options.withDeadlineAfter(order.get("timeoutMs").getAsInt(), TimeUnit.MILLISECONDS);
    }
    if (flag(order, "compress")) options = options.withCompression("gzip");
    String path = "interop.Peer/" + order.get("method").getAsString();
    MethodType type = isUnary ? MethodType.UNARY : MethodType.BIDI_STREAMING;
    ClientCall<byte[], byte[]> call = channel.newCall(Wire.method(path, type), options);
    Answers answers = new Answers(call, order.has("cancelAfter") ? order.get("cancelAfter").getAsInt() : -1);
    call.start(answers, metadata(order));
    call.setMessageCompression(flag(order, "compress"));
    call.request(Integer.MAX_VALUE);
    JsonArray send = order.has("send") ? order.getAsJsonArray("send") : new JsonArray();
    for (JsonElement message : send) {
      call.sendMessage(Base64.getDecoder().decode(message.getAsString()));
      if (flag(order, "inTurn")) answers.answered.acquire();
    }
    if (!flag(order, "staysOpen")) call.halfClose();
    answers.over.acquire();
    done.add("received", answers.received);
    answers.describe(done);
  }

  private static Metadata metadata(JsonObject order) {
    Metadata metadata = new Metadata();
    if (order.has("metadata")) {
      for (Map.Entry<String, JsonElement> each : order.getAsJsonObject("metadata").entrySet()) {
        metadata.put(Wire.key(each.getKey()), each.getValue().getAsString());
      }
    }
    if (order.has("binary")) {
      for (Map.Entry<String, JsonElement> each : order.getAsJsonObject("binary").entrySet()) {
        byte[] value = Base64.getDecoder().decode(each.getValue().getAsString());
        metadata.put(Metadata.Key.of(each.getKey(), Metadata.BINARY_BYTE_MARSHALLER), value);
      }
    }
    return metadata;
  }

  private static void many(ManagedChannel channel, JsonObject order, JsonObject done) throws InterruptedException {
    int atOnce = order.get("atOnce").getAsInt();
    int total = order.get("total").getAsInt();
    Semaphore turns = new Semaphore(atOnce);
    int[] codes = new int[17];
    AtomicInteger unequal = new AtomicInteger();
    for (int turn = 0; turn < total; turn++) {
      turns.acquire();
      byte[] request = new byte[order.get("bytes").getAsInt()];
      Arrays.fill(request, (byte) turn);
      ClientCall<byte[], byte[]> call =
          channel.newCall(Wire.method("interop.Peer/Echo", MethodType.UNARY), CallOptions.DEFAULT);
      call.start(
          new ClientCall.Listener<>() {
            @Override
            public void onMessage(byte[] answer) {
              if (!Arrays.equals(request, answer)) unequal.incrementAndGet();
            }

            @Override
            public void onClose(Status status, Metadata trailers) {
              synchronized (codes) {
                codes[status.getCode().value()]++;
              }
              turns.release();
            }
          },
          new Metadata());
      call.request(2);
      call.sendMessage(request);
      call.halfClose();
    }
    turns.acquire(atOnce);
    JsonObject counted = new JsonObject();
    for (int code = 0; code < codes.length; code++) {
      if (codes[code] > 0) counted.addProperty(String.valueOf(code), codes[code]);
    }
    done.add("codes", counted);
    done.addProperty("unequal", unequal.get());
  }

  /** Gathers what a call receives. */
  private static final class Answers extends ClientCall.Listener<byte[]> {
    final JsonArray received = new JsonArray();
    final Semaphore answered = new Semaphore(0);
    final Semaphore over = new Semaphore(0);
    private final ClientCall<byte[], byte[]> call;
    private final int cancelAfter;
    private Status status;
    private Metadata trailers;

    Answers(ClientCall<byte[], byte[]> call, int cancelAfter) {
      this.call = call;
      this.cancelAfter = cancelAfter;
    }

    @Override
    public void onMessage(byte[] message) {
      received.add(Base64.getEncoder().encodeToString(message));
      answered.release();
      if (received.size() == cancelAfter) call.cancel("as was asked", null);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      this.status = status;
      this.trailers = trailers;
      answered.release(1000);
      over.release();
    }

    void describe(JsonObject done) {
      done.addProperty("code", status.getCode().value());
      done.addProperty("message", status.getDescription() == null ? "" : status.getDescription());
      done.add("trailers", Wire.texts(trailers));
    }
  }
}
