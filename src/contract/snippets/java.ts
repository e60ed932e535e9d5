import { doubleQuoted } from "./quote.ts";
import type { SnippetRequest } from "./request.ts";

/** HTTP/1.1 is stated, because the gateway refuses the upgrade to HTTP/2 that Java otherwise asks for. */
export const java = ({ action, target, body }: SnippetRequest): string => `\
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class OcsRequest {
  public static void main(String[] args) throws Exception {
    // Keep this client for all requests; HTTP/1.1, because the gateway accepts no upgrade to HTTP/2.
    var gateway = HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .sslContext(trustOnly(System.getenv("OCSGW_CA")))
        .connectTimeout(Duration.ofSeconds(5))
        .build();
    var request = HttpRequest.newBuilder(URI.create(System.getenv("OCSGW_URL") + ${doubleQuoted(target)}))
        .timeout(Duration.ofSeconds(30))
        .header("X-Api-Key", System.getenv("OCSGW_KEY"))
        .header("Accept", "application/problem+json")
${
  action.method === "GET"
    ? "        .GET()\n"
    : `        .header("Content-Type", "application/json")
        .POST(BodyPublishers.ofString(${doubleQuoted(body)}))\n`
}\
        .build();
    var answer = gateway.send(request, BodyHandlers.ofString());
    var headers = answer.headers();
    System.out.println(answer.statusCode() + " " + headers.firstValue("Ocsgw-Code").orElse("") + " " + answer.body());
    if (answer.statusCode() != 200) {
      // safe: send it again. check-first: read the state first. Otherwise do not send the same request again.
      System.out.println("repeat: " + headers.firstValue("Ocsgw-Repeat").orElse("no")
          + " " + headers.firstValue("Ocsgw-Request-Id").orElse(""));
    }
  }

  private static SSLContext trustOnly(String pem) throws Exception {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (var file = new FileInputStream(pem)) {
      store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    var tls = SSLContext.getInstance("TLS");
    tls.init(null, trust.getTrustManagers(), null);
    return tls;
  }
}
`;
