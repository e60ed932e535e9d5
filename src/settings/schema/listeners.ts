/** `listeners`, and TLS of all listeners. */
import { z } from "zod";
import { authority, bind, cidr, count, label, off, path, size } from "./units.ts";

const serverTls = {
  cert: path.describe("PEM file with the certificate chain, the server's own certificate first."),
  key: path.describe("PEM file with the certificate's private key."),
  min_version: z.enum(["1.2", "1.3"]).default("1.2").describe("Oldest accepted TLS version."),
};

const none = z.literal("none");
const TLS_EXPECTED = { error: "expected none, or a map with cert and key" };

/** For the admin listener: TLS without client certificates. */
export const adminTls = z.union([none, z.strictObject(serverTls)], TLS_EXPECTED);

/** For callbacks: with a CA, client certificates are required. */
export const callbacksTls = z.union(
  [
    none,
    z.strictObject({
      ...serverTls,
      client_ca: off(path).describe(
        "PEM file with the CA of the client certificates that OCS and registrars must send. Default: none required.",
      ),
      client_crl: off(path).describe("PEM file with revocation lists (CRLs) for client_ca. Default: none."),
    }),
  ],
  TLS_EXPECTED,
);

const clientTls = z.strictObject({
  ...serverTls,
  client_ca: off(path).describe(
    "PEM file with the CA of client certificates: the root and all intermediate authorities. Default: no client " +
      "certificates are requested.",
  ),
  client_certificates: z
    .enum(["none", "request", "require"])
    .default("request")
    .describe(
      "With client_ca: client certificates are not requested (none), optional (request) or required (require).",
    ),
  client_crl: off(path).describe(
    "PEM file with revocation lists (CRLs) for client_ca, one for every authority of the chain. An expired list " +
      "rejects every client of its authority. Default: none.",
  ),
});

/** For listeners of clients and for probes. */
export const allowFrom = off(
  z.array(cidr).min(1, { error: "expected at least one network, for example 10.0.0.0/8" }),
).describe("Networks that may connect. Default: all.");

export const trustedProxy = z.strictObject({
  from: z
    .array(cidr)
    .min(1, { error: "expected at least one network, for example 10.0.0.0/8" })
    .describe("Addresses of the proxies, as the gateway sees them."),
  sends: z
    .enum(["proxy-protocol", "forwarded", "x-forwarded-for"], {
      error: "expected proxy-protocol, forwarded or x-forwarded-for",
    })
    .describe(
      "How the proxies send the client's address: proxy-protocol (version 2, required on each of their " +
        "connections), or in the header Forwarded or X-Forwarded-For.",
    ),
});

/** Media types that a browser sends to other sites without a preflight request, with the user's credentials. */
const OF_FORMS = /^(?:multipart\/|application\/x-www-form-urlencoded$)/;
const TYPE_EXPECTED = "a media type in lower case, for example text/plain, and not one of HTML forms";
const mediaType = z
  .string({ error: `expected ${TYPE_EXPECTED}` })
  .refine(
    (text) => /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/.test(text) && !OF_FORMS.test(text),
    { error: `expected ${TYPE_EXPECTED}` },
  );

export const listener = z.strictObject({
  name: label.describe("Name of the listener in the journal and in metrics."),
  bind: bind.describe("Address and port to listen on; IPv6 as [::]:8443; port 0 for a free port."),
  names: z
    .array(authority)
    .prefault([])
    .describe(
      "Host names that requests may use, with or without the port; name:* where clients use another port, for " +
        "example one that a container publishes. The bind address, the certificate's names and, on loopback, " +
        "localhost are always accepted.",
    ),
  tls: z
    .union([none, clientTls], TLS_EXPECTED)
    .describe("Certificate and key; or none, on loopback or with allow_from behind a proxy that terminates TLS."),
  allow_from: allowFrom,
  trusted_proxies: z
    .array(trustedProxy)
    .default([])
    .describe(
      "Proxies from which the gateway takes the client's address, for the journal and for throttling. allow_from " +
        "still applies to the proxies themselves.",
    ),
  errors: z
    .enum(["auto", "ocs", "problem"])
    .default("auto")
    .describe("Format of refusals: auto (by the Accept header), ocs (HTML like OCS), problem (JSON, RFC 9457)."),
  accept_content_types: z
    .array(mediaType)
    .default([])
    .describe(
      "Media types of bodies that are read as application/json, for existing clients that send another type, for " +
        "example text/plain.",
    ),
  max_body: size.prefault("64KiB").describe("Largest accepted request body."),
  max_connections: count(1_000_000)
    .default(10_000)
    .describe("Connections open at the same time. Further ones are closed at once."),
  max_connections_per_source: count(1_000_000)
    .default(4000)
    .describe(
      "Connections open at the same time from one address, or from one IPv6 /64 network. Many clients may share a " +
        "proxy.",
    ),
});
