/** `upstreams`: one entry for each OCS, or pair of primary and backup. */
import { z } from "zod";
import { callbacksTls } from "./schema-listeners.ts";
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

const PIN = "sha256: and the base64 of the SHA-256 of a public key's DER (SPKI)";
const pin = z.string({ error: `expected ${PIN}` }).regex(/^sha256:[A-Za-z0-9+/]{43}=$/, { error: `expected ${PIN}` });

const tls = z.strictObject({
  min_version: off(z.enum(["1.0", "1.1", "1.2", "1.3"], { error: 'expected "1.0", "1.1", "1.2" or "1.3"' })).describe(
    'The oldest TLS that is spoken with OCS: "1.2" when left out. "1.0" and "1.1" are for hosts that know no other, and lower what is asked of keys and signatures too.',
  ),
  ciphers: off(text).describe(
    "OpenSSL's list of cipher suites up to TLS 1.2, as in DEFAULT@SECLEVEL=0 for weak keys. Node's own when left out.",
  ),
  ca: off(path).describe("The CA that signed OCS's certificate, PEM. The public CAs when left out."),
  cert: off(path).describe("Our certificate, when OCS asks for one, PEM."),
  key: off(path).describe("Its private key, PEM."),
  crl: off(path).describe("Revocation lists for ca, PEM, one of every authority in OCS's chain. None when left out."),
  pins: off(z.array(pin).min(1, { error: "expected at least one pin" })).describe(
    "Of these public keys OCS's certificate must have one, besides what ca says: sha256: and the base64 of its SHA-256. They stand in place of its name, unless server_name is given.",
  ),
  server_name: off(text).describe("The name that OCS's certificate carries, when it is not the host's."),
});

const timeouts = z.strictObject({
  connect: wait.prefault("2s").describe("For TCP and TLS together."),
  answer: wait.prefault("15s").describe("From the last byte sent to OCS's whole answer."),
});

const queue = z.strictObject({
  max: count(100_000).default(200).describe("How many requests one tenant may have waiting."),
  max_bytes: size.prefault("4MiB").describe("How many bytes of bodies one tenant may have waiting."),
  max_wait: wait.prefault("5s").describe("How long a request may wait for a lane."),
});

const networks = z.array(cidr).min(1, { error: "expected at least one network" });

const registrar = z.strictObject({
  client: label.describe("The client's name, as its key or token says it. It may be no tenant's client."),
  tenants: z
    .array(name)
    .min(1, { error: "expected at least one tenant" })
    .describe("The tenants that it may name, by their names."),
  allow_from: off(networks).describe("Networks that it may come from. Those of callbacks when left out."),
});

const callbacks = z.strictObject({
  bind: bind.describe(
    "Address and port for OCS's pre-dial validation (validation-uri) and its call reports (history-uri).",
  ),
  allow_from: networks.describe("The OCS hosts: whoever may announce records decides whose they are."),
  tls: callbacksTls.default("none").describe("Certificate and key, or none."),
  validator: off(webAddress).describe("A validation server of your own, whose answer is given to OCS."),
  validator_timeout: wait
    .prefault("2s")
    .describe("How long it may take. Less than OCS's http-response-timeout, so that OCS hears an answer."),
  validator_ca: off(path).describe("The CA that signed its certificate, PEM. The public CAs when left out."),
  on_timeout: z
    .enum(["allow", "block"])
    .default("block")
    .describe(
      "When it does not answer: allow the record to be dialed, or answer 504 (or 502), which OCS takes for not validated.",
    ),
  stale_after: duration
    .prefault("30m")
    .describe("How long a handle is its tenant's. No longer than OCS's own stale timeout."),
  registrars: z
    .array(registrar)
    .default([])
    .describe("Clients that may name a handle's tenant: PUT /ownership/<upstream>/<handle>."),
});

export const upstream = z.strictObject({
  primary: origin.describe("scheme://host:port of the primary OCS."),
  backup: off(origin).describe("scheme://host:port of the backup OCS. None when left out."),
  allow_plaintext: z
    .boolean({ error: "expected true or false" })
    .default(false)
    .describe(
      "States that http to an OCS on another host is meant: names and numbers then cross the network readable.",
    ),
  standby: off(z.enum(["closes", "refuses", "accepts"], { error: "expected closes, refuses or accepts" })).describe(
    "What the standby OCS does with a new connection while all is well: closes, refuses, or accepts. Learned from what it did last when left out.",
  ),
  connections: count(256).default(4).describe("Lanes: persistent connections, one request at a time on each."),
  lane_isolation: z
    .enum(["tenant", "none"])
    .default("tenant")
    .describe("tenant: a lane changes tenant only by a new connection. none: lanes serve tenants in turn."),
  tls: tls.prefault({}).describe("For https."),
  timeouts: timeouts.prefault({}).describe("How long OCS may take."),
  queue: queue.prefault({}).describe("Requests that wait for a lane."),
  aliases: z
    .array(authority)
    .prefault([])
    .describe("Authorities that absolute-form targets may name besides ours: OCS's own, as clients know it."),
  handle_window: count(1_000_000)
    .default(64)
    .describe(
      "How far below the highest record handle a new one may be announced. One still lower proves that OCS was restarted.",
    ),
  restart_grace: durationOrNone
    .prefault("0s")
    .describe(
      "After a downtime of the gateway that is shorter than this, on the same boot of the machine, record handles are used without waiting for OCS to confirm them.",
    ),
  callbacks: off(callbacks).describe("The listener for OCS's validation-uri. Off when left out."),
});
