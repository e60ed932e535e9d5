/** `audit` and `admin`: the journal, and who looks at it. */
import { z } from "zod";
import { adminTls, allowFrom } from "./schema-listeners.ts";
import {
  authority,
  bind,
  count,
  duration,
  field,
  keyName,
  name,
  off,
  path,
  secondPlace,
  secret,
  wait,
  webAddress,
} from "./units.ts";
import { witnessKey } from "./witness-key.ts";

const redaction = z.enum(["keep", "token", "last4", "drop"]);

const redact = z.strictObject({
  phone: redaction.default("last4").describe("Phone numbers."),
  customer_id: redaction.default("token").describe("Customer ids."),
  fields: z.record(field, redaction).default({}).describe("Single user-defined fields, by name."),
  others: redaction.default("drop").describe("All other user-defined fields."),
});

const witness = z.strictObject({
  url: webAddress.describe("Its submission prefix: the gateway posts to <url>/add-checkpoint."),
  key: witnessKey.describe(
    "Its verifier key, as ocsgw witness prints it: name+id+base64. Ed25519 (type 0x04), or ML-DSA-44 (0x06) where this Node can check it.",
  ),
});

const timestamp = z.strictObject({
  url: webAddress.describe("The time stamping authority's address (RFC 3161 over HTTP)."),
  ca: path.describe("Certificates, PEM, that its chain must lead to."),
  every: wait
    .prefault("1h")
    .describe("The newest checkpoint gets a timestamp this often; the first one after each start."),
});

const checkpoint = z.strictObject({
  key: path.describe("The Ed25519 private key that signs checkpoints, PEM."),
  origin: keyName.describe("The journal's name in its checkpoints: a domain and a path of yours."),
  every: wait.prefault("60s").describe("How often the journal is signed; at stop too."),
  anchor: off(path).describe(
    "A file outside audit.dir that keeps what was signed last, so that a directory that was cut back or replaced is noticed. <audit.dir>.anchor when left out; another place where nothing can be written beside audit.dir.",
  ),
  publish: z
    .array(secondPlace)
    .default([])
    .describe(
      "Second places for the checkpoints: file:/absolute/path, syslog:udp://host:port, syslog:tcp://host:port.",
    ),
  witnesses: z
    .array(witness)
    .default([])
    .refine((all) => new Set(all.map(({ key }) => key.split("+").slice(2).join("+"))).size === all.length, {
      error: "expected every witness once",
    })
    .describe(
      "Witnesses outside (C2SP tlog-witness) that cosign each checkpoint, so that a rewritten journal is noticed by others. Requests never wait for them.",
    ),
  witness_quorum: off(count(100)).describe(
    "So many of the witnesses must cosign; fewer raise a warning. 1 when left out.",
  ),
  timestamp: off(timestamp).describe(
    "A time stamping authority that confirms when a checkpoint existed. Off when left out.",
  ),
});

const EPOCH = "an epoch: t and a number, as in t2";

const KEY_SHAPE = "a text of 32 characters or more, or a list of { epoch: t1, secret: … }";

const indexKeys = z
  .array(
    z.strictObject(
      {
        epoch: z
          .string({ error: `expected ${EPOCH}` })
          .regex(/^t[1-9]\d{0,3}$/, { error: `expected ${EPOCH}` })
          .describe("What its tokens begin with; t1 is that of a key given alone."),
        secret: secret.describe("The key."),
      },
      { error: ({ code }) => (code === "invalid_type" ? "expected { epoch: t1, secret: … }" : undefined) },
    ),
  )
  .min(1, { error: "expected at least one key" })
  .refine((keys) => new Set(keys.map(({ epoch }) => epoch)).size === keys.length, {
    error: "expected every epoch once",
  });

/** What may have a time of its own: the journal's kinds of entries. */
export const CLASSES = [
  "intent",
  "outcome",
  "refusal",
  "in-doubt",
  "flood",
  "abandoned",
  "config",
  "start",
  "stop",
  "gap",
  "clock",
  "deleted",
  "set-aside",
  "open-dnc",
  "switchover",
  "access",
  "alarm",
] as const;

/** What two kinds were called in format 1 of the journal. */
const FORMER = { doubt: "in-doubt", retired: "deleted" } as const;
type Former = keyof typeof FORMER;
const formerNames = Object.keys(FORMER) as readonly Former[];

const retention = z.union([
  duration.transform((ms): Retention => ({ default: ms })),
  z
    .strictObject({
      default: duration.describe("Of all kinds that are not named."),
      ...(Object.fromEntries(
        CLASSES.map((kind) => [kind, duration.optional().describe(`Of entries of kind ${kind}.`)]),
      ) as Record<(typeof CLASSES)[number], z.ZodOptional<typeof duration>>),
      ...(Object.fromEntries(
        formerNames.map((name) => [name, duration.optional().describe(`The former name of ${FORMER[name]}.`)]),
      ) as Record<Former, z.ZodOptional<typeof duration>>),
    })
    .refine((times) => formerNames.every((name) => times[name] === undefined || times[FORMER[name]] === undefined), {
      error: "expected either in-doubt or its former name doubt, and either deleted or retired",
    })
    .transform(
      (times): Retention =>
        Object.fromEntries(
          Object.entries(times).flatMap(([name, ms]) =>
            ms === undefined ? [] : [[FORMER[name as Former] ?? name, ms]],
          ),
        ) as Retention,
    ),
]);

/** Milliseconds. */
export type Retention = { readonly default: number } & Readonly<Partial<Record<(typeof CLASSES)[number], number>>>;

const day = z
  .string({ error: "expected a day, as in 2026-11-22" })
  .refine((text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: "expected a day, as in 2026-11-22",
  })
  .transform((text) => Date.parse(text));

const hold = z.strictObject({
  name: name.describe("Why: a case, a request."),
  from: day.prefault("1970-01-01").describe("The first day (UTC) whose entries are kept."),
  until: day.prefault("9999-12-31").describe("The first day (UTC) whose entries are no longer kept for it."),
});

export const audit = z.strictObject({
  dir: path.describe("The journal's directory."),
  on_failure: z
    .enum(["refuse", "continue"])
    .default("refuse")
    .describe("When the journal cannot be written: refuse requests, or go on and record the gap."),
  durability: z
    .enum(["flush", "os"])
    .default("flush")
    .describe("flush: on disk before OCS and before the reply. os: left to the operating system."),
  disk_timeout: wait.prefault("5s").describe("A disk that does not answer the journal for so long counts as failed."),
  redact: redact
    .prefault({})
    .describe("What of personal data the journal keeps: keep, token (can be found again, not read), last4, drop."),
  index_key: z
    .union([secret, indexKeys], { error: `expected ${KEY_SHAPE}` })
    .describe(
      "The key of the tokens, 32 characters or more. To change it, a list of { epoch, secret }: the first is t1, the last makes tokens, and all are searched. The journal knows the content of each epoch: another one under its name is refused.",
    ),
  checkpoint: checkpoint.describe("Signed statements of the journal's size and content."),
  retention: retention
    .prefault("1855d")
    .describe(
      "How long entries are kept: a duration, or one for each kind of entry with a default. A segment (64 MiB, a day at most) is deleted when all of its entries may go.",
    ),
  compress_after: z
    .union([z.literal("never"), duration], { error: "expected a duration, as in 1d, or never" })
    .prefault("1d")
    .describe(
      "How long after the next segment was begun a segment is compressed (to an eighth or so): a duration, or never. Search, verification and export read both forms.",
    ),
  legal_hold: z.array(hold).default([]).describe("Entries of these days are not deleted, nor any younger ones."),
});

/** Of the admin listener and of probes. */
const probes = z.union(
  [
    bind.transform((at) => ({ bind: at, allow_from: null })),
    z.strictObject({ bind: bind.describe("Address and port."), allow_from: allowFrom }),
  ],
  { error: "expected an address and a port, as in 0.0.0.0:9641, or { bind: …, allow_from: […] }" },
);

export const admin = z.strictObject({
  bind: bind.describe("Address and port."),
  names: z
    .array(authority)
    .prefault([])
    .describe(
      "Names that Host may carry besides the address and the certificate's names, as on a listener; " +
        "name:* with any port. They count on probes too.",
    ),
  tls: adminTls.default("none").describe("Certificate and key, or none on loopback."),
  probes: off(probes).describe(
    "A plain listener with /healthz, /readyz and /metrics only; a standby answers there before " +
      "it leads. An address, or { bind, allow_from }. Off when left out.",
  ),
  users: off(z.strictObject({ file: path.describe("The users file: roles viewer, operator, auditor.") })).describe(
    "People with roles. Off when left out.",
  ),
});
