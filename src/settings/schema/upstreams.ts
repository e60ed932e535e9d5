/** `upstreams`: one entry for each OCS, or for each pair of primary and backup. */
import { z } from "zod";
import { callbacksTls, trustedProxy } from "./listeners.ts";
import {
  authority,
  bind,
  cidr,
  count,
  duration,
  durationOrNone,
  label,
  name,
  off,
  origin,
  path,
  size,
  text,
  wait,
  webAddress,
} from "./units.ts";

const PIN = "sha256: and the base64 of the SHA-256 of a public key in DER (SPKI)";
const pin = z.string({ error: `expected ${PIN}` }).regex(/^sha256:[A-Za-z0-9+/]{43}=$/, { error: `expected ${PIN}` });

const tls = z.strictObject({
  min_version: off(z.enum(["1.0", "1.1", "1.2", "1.3"], { error: 'expected "1.0", "1.1", "1.2" or "1.3"' })).describe(
    'Oldest accepted TLS version. Default: "1.2". "1.0" and "1.1" are for hosts that support nothing newer; they ' +
      "also allow weaker keys and signatures.",
  ),
  ciphers: off(text).describe(
    "OpenSSL cipher list for TLS 1.2 and older, for example DEFAULT@SECLEVEL=0 for weak keys. Default: Node's list.",
  ),
  ca: off(path).describe("PEM file with the CA that signed OCS's certificate. Default: the public CAs."),
  cert: off(path).describe("PEM file with the gateway's client certificate, if OCS requests one."),
  key: off(path).describe("PEM file with the private key of cert."),
  crl: off(path).describe(
    "PEM file with revocation lists (CRLs) for ca, one for every authority of OCS's chain. Default: none.",
  ),
  pins: off(z.array(pin).min(1, { error: `expected at least one pin: ${PIN}` })).describe(
    "Public keys of which OCS's certificate must have one, in addition to ca: sha256: and the base64 of the " +
      "SHA-256 of the key. They replace the check of the host name, unless server_name is set.",
  ),
  server_name: off(text).describe("Name in OCS's certificate. Default: the host of the address."),
});

/** The largest number of lanes to one OCS. */
export const MOST_LANES = 256;

const timeouts = z.strictObject({
  connect: wait.prefault("2s").describe("Longest time for TCP connect and TLS handshake together."),
  answer: wait.prefault("15s").describe("Longest time from the last byte sent to OCS's complete answer."),
});

const queue = z.strictObject({
  max: count(100_000).default(200).describe("Requests of one tenant that may wait."),
  max_bytes: size.prefault("4MiB").describe("Bytes of bodies of one tenant's waiting requests."),
  max_wait: wait.prefault("5s").describe("Longest time that a request waits for a lane."),
});

const networks = z.array(cidr).min(1, { error: "expected at least one network, for example 10.0.0.0/8" });

const registrar = z.strictObject({
  client: label.describe("Name of the registrar, as in its key or token. It must not be a client of a tenant."),
  tenants: z
    .array(name)
    .min(1, { error: "expected at least one name of a tenant" })
    .describe("Names of the tenants for which it may register handles."),
  allow_from: off(networks).describe("Networks from which it may connect. Default: those of callbacks."),
});

const callbacks = z.strictObject({
  bind: bind.describe(
    "Address and port for OCS's pre-dial validation (validation-uri) and call reports (history-uri).",
  ),
  allow_from: networks.describe(
    "Addresses of the OCS hosts. Only they may announce records, because an announcement decides who owns a record.",
  ),
  trusted_proxies: z
    .array(trustedProxy)
    .default([])
    .describe(
      "Load balancers between OCS and the gateway, from which the gateway takes the address of the OCS host: " +
        "allow_from applies to that address. With a backup OCS the address tells which of the two announces.",
    ),
  tls: callbacksTls.default("none").describe("Certificate and key, or none."),
  validator: off(webAddress).describe(
    "Your own validation server; the gateway passes its answer to OCS. Default: none.",
  ),
  validator_timeout: wait
    .prefault("2s")
    .describe("Longest time for the validator's answer. Use less than OCS's http-response-timeout."),
  validator_ca: off(path).describe(
    "PEM file with the CA that signed the validator's certificate. Default: the public CAs.",
  ),
  on_timeout: z
    .enum(["allow", "block"])
    .default("block")
    .describe(
      "When the validator does not answer: allow (the record is dialed) or block (the gateway answers 504 or 502, " +
        "and OCS does not dial the record).",
    ),
  stale_after: duration
    .prefault("30m")
    .describe("How long the gateway keeps the owner of a handle in memory. Not shorter than OCS's stale timeout."),
  registrars: z
    .array(registrar)
    .default([])
    .describe("Registrars: clients that may register the tenant of a handle with PUT /ownership/<upstream>/<handle>."),
});

export const upstream = z.strictObject({
  primary: origin.describe("Address of the primary OCS, scheme://host:port."),
  backup: off(origin).describe("Address of the backup OCS, scheme://host:port. Default: none."),
  allow_plaintext: z
    .boolean({ error: "expected true or false" })
    .default(false)
    .describe(
      "true: http to an OCS on another host is intended. Others on the network can then read names and phone numbers.",
    ),
  standby: off(z.enum(["closes", "refuses", "accepts"], { error: "expected closes, refuses or accepts" })).describe(
    "What a healthy standby OCS does with new connections: closes, refuses or accepts. Default: learned from its " +
      "last healthy state.",
  ),
  connections: count(MOST_LANES)
    .default(4)
    .describe(
      "Number of lanes: persistent connections with one request at a time on each. With shared: of all gateways " +
        "together; at least one for each, better two.",
    ),
  lane_isolation: z
    .enum(["tenant", "none"])
    .default("tenant")
    .describe("tenant: a lane serves another tenant only after a new connection. none: tenants share connections."),
  tls: tls.prefault({}).describe("TLS to OCS, for https addresses."),
  timeouts: timeouts.prefault({}).describe("How long the gateway waits for OCS."),
  queue: queue.prefault({}).describe("Limits of the queue for lanes."),
  aliases: z
    .array(authority)
    .prefault([])
    .describe(
      "Further host names or host:port that absolute-form request targets may use: OCS's own, as clients know it.",
    ),
  handle_window: count(1_000_000)
    .default(64)
    .describe(
      "How far below the highest announced record handle a new one may be. A lower one proves that OCS was restarted.",
    ),
  restart_grace: durationOrNone
    .prefault("0s")
    .describe(
      "After a downtime of the gateway shorter than this, without a reboot of the machine, stored record handles " +
        "are valid without a new confirmation by OCS. 0s: always wait for the confirmation. No effect with shared: " +
        "there the connections of the other gateways confirm them.",
    ),
  callbacks: off(callbacks).describe("Listener for OCS's callbacks (validation-uri). Default: off."),
});
