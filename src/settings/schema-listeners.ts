/** `listeners`, and the TLS of whatever listens. */
import { z } from "zod";
import { authority, bind, cidr, count, label, off, path, size } from "./units.ts";

const serverTls = {
  cert: path.describe("The certificate chain, PEM."),
  key: path.describe("The certificate's private key, PEM."),
  min_version: z.enum(["1.2", "1.3"]).default("1.2").describe("The oldest TLS that is spoken."),
};

const none = z.literal("none");

/** For the admin listener: TLS without client certificates. */
export const adminTls = z.union([none, z.strictObject(serverTls)]);

/** For callbacks: with a CA, a client certificate is demanded. */
export const callbacksTls = z.union([
  none,
  z.strictObject({
    ...serverTls,
    client_ca: off(path).describe(
      "The CA of the certificates that OCS and registrars must show, PEM. None are asked for when left out.",
    ),
    client_crl: off(path).describe("Revocation lists for client_ca, PEM. None when left out."),
  }),
]);

const clientTls = z.strictObject({
  ...serverTls,
  client_ca: off(path).describe(
    "The CA of client certificates, PEM: the root, and every authority between it and the clients. Without it no certificate is asked for.",
  ),
  client_certificates: z
    .enum(["none", "request", "require"])
    .default("request")
    .describe("With client_ca: whether a client certificate is not asked for, asked for, or demanded."),
  client_crl: off(path).describe(
    "Revocation lists for client_ca, PEM, one of every authority in a chain. An expired one lets no client certificate in. None when left out.",
  ),
});

/** Of a listener without credentials of its own, and of those for clients. */
export const allowFrom = off(z.array(cidr).min(1, { error: "expected at least one network" })).describe(
  "Networks that may connect. Everyone when left out.",
);

const trustedProxy = z.strictObject({
  from: z
    .array(cidr)
    .min(1, { error: "expected at least one network" })
    .describe("Addresses of the proxies, as the gateway sees them."),
  sends: z
    .enum(["proxy-protocol", "forwarded", "x-forwarded-for"], {
      error: "expected proxy-protocol, forwarded or x-forwarded-for",
    })
    .describe(
      "How they say for whom they speak: proxy-protocol (version 2, in front of each connection, demanded of them), or the header Forwarded or X-Forwarded-For.",
    ),
});

/** What a browser sends to any address without asking first, with the user's password for it. */
const OF_FORMS = /^(?:multipart\/|application\/x-www-form-urlencoded$)/;
const TYPE_EXPECTED = "a media type in small letters, as in text/plain, and none of an HTML form";
const mediaType = z
  .string({ error: `expected ${TYPE_EXPECTED}` })
  .refine(
    (text) => /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/.test(text) && !OF_FORMS.test(text),
    { error: `expected ${TYPE_EXPECTED}` },
  );

export const listener = z.strictObject({
  name: label.describe("The listener's name in the journal and in metrics."),
  bind: bind.describe("Address and port; IPv6 as [::]:8443, port 0 for a free one."),
  names: z
    .array(authority)
    .prefault([])
    .describe(
      "Names that Host and absolute-form targets may carry, with or without the port; name:* where clients know another port, as one that a container publishes. " +
        "The bind address, the certificate's names and, on loopback, localhost count anyway.",
    ),
  tls: z
    .union([none, clientTls])
    .describe("Certificate and key, or none: on loopback, or with allow_from behind a proxy that ends TLS."),
  allow_from: allowFrom,
  trusted_proxies: z
    .array(trustedProxy)
    .default([])
    .describe(
      "Proxies whose word about the client's address counts, in the journal and for throttles. allow_from is asked about the proxies themselves.",
    ),
  errors: z
    .enum(["auto", "ocs", "problem"])
    .default("auto")
    .describe("How refusals look: auto (by Accept), ocs (HTML as OCS sends it), problem (RFC 9457)."),
  accept_content_types: z
    .array(mediaType)
    .default([])
    .describe(
      "Media types of bodies that are taken as application/json, for deployed clients that send another type, as in text/plain.",
    ),
  max_body: size.prefault("64KiB").describe("The largest request body."),
  max_connections: count(1_000_000).default(10_000).describe("Connections at a time. One more is closed at once."),
  max_connections_per_source: count(1_000_000)
    .default(4000)
    .describe("Of these, from one address, or one /64 of IPv6: many clients may stand behind one proxy."),
});
