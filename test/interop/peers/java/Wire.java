import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** What client and server have in common: lines of JSON, and messages that are bytes. */
final class Wire {
  static final Gson GSON = new Gson();

  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException failure) {
            throw new IllegalStateException(failure);
          }
        }
      };

  static MethodDescriptor<byte[], byte[]> method(String path, MethodDescriptor.MethodType type) {
    return MethodDescriptor.newBuilder(BYTES, BYTES).setFullMethodName(path).setType(type).build();
  }

  static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  static JsonObject texts(Metadata metadata) {
    JsonObject texts = new JsonObject();
    if (metadata == null) return texts;
    for (String name : metadata.keys()) {
      if (!name.endsWith("-bin")) texts.addProperty(name, metadata.get(key(name)));
    }
    return texts;
  }

  static synchronized void tell(JsonObject line) {
    System.out.println(GSON.toJson(line));
    System.out.flush();
  }

  static JsonObject event(String name) {
    JsonObject event = new JsonObject();
    event.addProperty("event", name);
    return event;
  }

  static void eachLine(Consumer<JsonObject> handle) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      handle.accept(GSON.fromJson(line, JsonObject.class));
    }
  }

  static InputStream pem(JsonObject tls, String name) {
    return new ByteArrayInputStream(tls.get(name).getAsString().getBytes(StandardCharsets.UTF_8));
  }
}
