import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.Stream;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Receives the webhooks of httpsms with the JDK alone: java Receiver.java
 *
 * <p>An event becomes a file before it is acknowledged, and a thread handles it afterwards: what a crash leaves behind
 * is handled after the next start. An empty file stays, so that an event that comes again is known.
 */
public class Receiver {
    static final Map<String, String> ENV = System.getenv();
    static final String CALLBACK_URL = ENV.get("HTTPSMS_CALLBACK_URL"); // exactly as the webhook has it
    static final String PASSPHRASE = ENV.getOrDefault("HTTPSMS_ENCRYPTION_KEY", "");
    static final Path INBOX = Path.of(ENV.getOrDefault("HTTPSMS_INBOX", "inbox"));
    static final int MAX_BODY = 1 << 20; // bytes
    static final ExecutorService WORKER = Executors.newSingleThreadExecutor();

    static byte[] mac(String key, byte[]... parts) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key.getBytes(UTF_8), "HmacSHA256")); // a blank key is refused
        for (byte[] part : parts) mac.update(part);
        return mac.doFinal();
    }

    static Map<?, ?> decode(String part) {
        return (Map<?, ?>) Json.parse(new String(Base64.getUrlDecoder().decode(part), UTF_8));
    }

    static boolean isGenuine(Headers headers, byte[] body, String key) throws GeneralSecurityException {
        try {
            String[] token = headers.getFirst("Authorization").replaceFirst("^Bearer ", "").split("\\.");
            byte[] expected = mac(key, (token[0] + "." + token[1]).getBytes(UTF_8));
            if (!MessageDigest.isEqual(Base64.getUrlDecoder().decode(token[2]), expected)) return false;
            Map<?, ?> claims = decode(token[1]);
            if (!"HS256".equals(decode(token[0]).get("alg"))) return false;
            if (!"api.httpsms.com".equals(claims.get("iss"))) return false;
            if (!List.of(CALLBACK_URL).equals(claims.get("aud"))) return false;
            double now = System.currentTimeMillis() / 1000.0;
            if (now < (Double) claims.get("nbf") || now >= (Double) claims.get("exp")) return false;
            String sentAt = headers.getFirst("webhook-timestamp");
            if (Math.abs(now - Long.parseLong(sentAt)) > 300) return false;
            byte[] prefix = (headers.getFirst("webhook-id") + "." + sentAt + ".").getBytes(UTF_8);
            byte[] signature = ("v1," + Base64.getEncoder().encodeToString(mac(key, prefix, body))).getBytes(UTF_8);
            return Stream.of(headers.getFirst("webhook-signature").split(" "))
                .anyMatch(one -> MessageDigest.isEqual(one.getBytes(UTF_8), signature));
        } catch (IllegalArgumentException | IndexOutOfBoundsException | NullPointerException | ClassCastException e) {
            return false; // a header or a claim is absent or malformed
        }
    }

    /** AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase. */
    static String decrypt(String text) throws GeneralSecurityException {
        byte[] data = Base64.getDecoder().decode(text);
        byte[] key = MessageDigest.getInstance("SHA-256").digest(PASSPHRASE.getBytes(UTF_8));
        Cipher cipher = Cipher.getInstance("AES/CFB/NoPadding");
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), new IvParameterSpec(data, 0, 16));
        return new String(cipher.doFinal(data, 16, data.length - 16), UTF_8);
    }

    /** Your code goes here. */
    static void handle(Map<?, ?> event) throws GeneralSecurityException {
        Map<?, ?> data = event.get("data") instanceof Map<?, ?> map ? map : Map.of();
        String note = switch ((String) event.get("type")) {
            case "message.phone.received" -> data.get("contact") + " wrote";
            case "message.phone.sent" -> "handed to the network";
            case "message.phone.delivered" -> "arrived";
            case "message.send.failed" -> "not sent: " + data.get("error_message");
            case "message.send.expired" -> (Boolean) data.get("is_final") ? "given up" : "will be tried again";
            case "message.call.missed" -> data.get("contact") + " called";
            case "phone.heartbeat.offline" -> data.get("owner") + " is away";
            case "phone.heartbeat.online" -> data.get("owner") + " is back";
            default -> null; // newer than this receiver
        };
        if (note == null) return;
        Object content = data.get("content");
        if (Boolean.TRUE.equals(data.get("encrypted")) && !PASSPHRASE.isEmpty()) content = decrypt((String) content);
        // POST /v1/messages/send answered with this message id; the request id is what you gave it.
        Object messageID = data.containsKey("id") ? data.get("id") : data.get("message_id");
        System.out.printf("{\"id\":%s,\"type\":%s,\"message_id\":%s,\"request_id\":%s,\"content\":%s,\"note\":%s}%n",
            Stream.of(event.get("id"), event.get("type"), messageID, data.get("request_id"), content, note)
                .map(Json::quote).toArray());
    }

    static void work(Path path) {
        try {
            handle((Map<?, ?>) Json.parse(Files.readString(path)));
            Files.write(path, new byte[0]);
        } catch (Exception e) { // the file stays as it is: the next start tries again
            System.err.println(path + ": " + e);
        }
    }

    /** Does nothing when the id is known. */
    static void store(Path path, byte[] body) throws IOException {
        Path draft = Files.createTempFile(INBOX, ".", "");
        try (FileChannel file = FileChannel.open(draft, StandardOpenOption.WRITE)) {
            for (ByteBuffer rest = ByteBuffer.wrap(body); rest.hasRemaining(); ) file.write(rest);
            file.force(true);
            Files.createLink(path, draft); // complete from the moment it has its name
            WORKER.execute(() -> work(path));
        } catch (FileAlreadyExistsException e) {
            // It came before.
        } finally {
            Files.delete(draft);
        }
    }

    static int receive(HttpExchange exchange) throws IOException, GeneralSecurityException {
        if (!exchange.getRequestMethod().equals("POST")) return 405;
        byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY + 1);
        if (body.length > MAX_BODY) return 413;
        boolean isGenuine = false; // the next key is for the time in which the signing key is replaced
        for (String name : List.of("HTTPSMS_SIGNING_KEY", "HTTPSMS_NEXT_SIGNING_KEY")) {
            isGenuine |= ENV.containsKey(name) && isGenuine(exchange.getRequestHeaders(), body, ENV.get(name));
        }
        if (!isGenuine) return 401;
        try {
            Map<?, ?> event = (Map<?, ?>) Json.parse(new String(body, UTF_8));
            String id = (String) event.get("id");
            if (!id.matches("[\\w-]{1,64}") || !(event.get("type") instanceof String)) return 400;
            store(INBOX.resolve(id), body);
            return 204;
        } catch (IllegalArgumentException | ClassCastException | NullPointerException e) {
            return 400;
        }
    }

    public static void main(String[] arguments) throws IOException {
        if (ENV.getOrDefault("HTTPSMS_SIGNING_KEY", "").isEmpty() || CALLBACK_URL == null) {
            throw new IllegalStateException("HTTPSMS_SIGNING_KEY and HTTPSMS_CALLBACK_URL must be set");
        }
        Files.createDirectories(INBOX);
        try (Stream<Path> left = Files.list(INBOX)) {
            left.filter(path -> !path.getFileName().toString().startsWith(".") && path.toFile().length() > 0)
                .sorted().forEach(path -> WORKER.execute(() -> work(path)));
        }
        System.setProperty("sun.net.httpserver.maxReqTime", "10"); // seconds
        int port = Integer.parseInt(ENV.getOrDefault("PORT", "9000"));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.createContext("/", exchange -> {
            try (exchange) { // what is thrown closes the connection without an answer, and the event comes again
                exchange.sendResponseHeaders(receive(exchange), -1);
            } catch (GeneralSecurityException e) {
                throw new IOException(e);
            }
        });
        server.start();
    }
}

/** Reads JSON, which the JDK cannot: objects become Map, arrays List, numbers Double. */
class Json {
    private final String text;
    private int at = 0;

    private Json(String text) {
        this.text = text;
    }

    /** Throws an IllegalArgumentException when the text is not JSON. */
    static Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value();
        json.expect(json.at == text.length());
        return value;
    }

    static String quote(Object value) {
        if (value == null) return "null";
        StringBuilder quoted = new StringBuilder("\"");
        value.toString().chars().forEach(c -> quoted.append(
            c < ' ' || c > '~' || c == '"' || c == '\\' ? String.format("\\u%04x", c) : Character.toString(c)));
        return quoted.append('"').toString();
    }

    private void expect(boolean condition) {
        if (!condition) throw new IllegalArgumentException("This is not JSON, from character " + at + " on.");
    }

    private boolean skip(String token) {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
        if (!text.startsWith(token, at)) return false;
        at += token.length();
        return true;
    }

    private Object value() {
        Object value;
        if (skip("{")) {
            Map<String, Object> members = new LinkedHashMap<>();
            while (!skip("}")) {
                expect(members.isEmpty() || skip(","));
                expect(skip("\""));
                String name = string();
                expect(skip(":"));
                members.put(name, value());
            }
            value = members;
        } else if (skip("[")) {
            List<Object> elements = new ArrayList<>();
            while (!skip("]")) {
                expect(elements.isEmpty() || skip(","));
                elements.add(value());
            }
            value = elements;
        } else if (skip("\"")) {
            value = string();
        } else if (skip("null")) {
            value = null;
        } else if (skip("true") || skip("false")) {
            value = text.charAt(at - 2) == 'u';
        } else {
            int start = at;
            while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) at++;
            value = Double.valueOf(text.substring(start, at)); // NumberFormatException is an IllegalArgumentException
        }
        skip("");
        return value;
    }

    private String string() {
        StringBuilder string = new StringBuilder();
        while (true) {
            expect(at < text.length());
            char c = text.charAt(at++);
            if (c == '"') return string.toString();
            if (c == '\\') {
                expect(at < text.length());
                c = text.charAt(at++);
                if (c == 'u') {
                    expect(at + 4 <= text.length());
                    c = (char) Integer.parseInt(text, at, at += 4, 16);
                } else {
                    expect("\"\\/bfnrt".indexOf(c) >= 0);
                    c = "\"\\/\b\f\n\r\t".charAt("\"\\/bfnrt".indexOf(c));
                }
            }
            string.append(c);
        }
    }
}
