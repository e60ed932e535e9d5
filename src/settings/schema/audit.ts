/** `audit`: the journal. */
import { z } from "zod";
import type { Kind } from "../../journal/entry.ts";
import { KINDS } from "../../journal/kinds.ts";
import {
  count,
  duration,
  field,
  keyName,
  name,
  off,
  path,
  checkpointSinkAddress,
  secret,
  wait,
  webAddress,
} from "./units.ts";
import { forward } from "./receivers/forward.ts";
import { witnessKey } from "../files/witness-key.ts";

const redaction = z.enum(["keep", "token", "last4", "drop"]);

const redact = z.strictObject({
  phone: redaction.default("last4").describe("How the journal keeps phone numbers."),
  customer_id: redaction.default("token").describe("How the journal keeps customer ids."),
  fields: z
    .record(field, redaction)
    .default({})
    .describe("How the journal keeps single user-defined fields, by field name."),
  others: redaction.default("drop").describe("How the journal keeps all other user-defined fields."),
});

const witness = z.strictObject({
  url: webAddress.describe("The witness's submission prefix; the gateway posts to <url>/add-checkpoint."),
  key: witnessKey.describe(
    "The witness's verifier key, as ocsgw witness prints it: name+id+base64. Ed25519 (type 0x04), or ML-DSA-44 " +
      "(0x06) where this Node supports it.",
  ),
});

const timestamp = z.strictObject({
  url: webAddress.describe("Address of the time stamping authority (RFC 3161 over HTTP)."),
  ca: path.describe("PEM file with the certificates that the authority's chain must end in."),
  every: wait
    .prefault("1h")
    .describe("How often the newest checkpoint gets a timestamp; the first one also after each start."),
});

const checkpoint = z.strictObject({
  key: path.describe(
    "PEM file with the Ed25519 private key that signs checkpoints. The gateway makes it when it is missing.",
  ),
  origin: keyName.describe(
    "Name of the journal in its checkpoints: a domain and a path of your own, for example ocsgw.example.com/main.",
  ),
  every: wait.prefault("60s").describe("How often the journal is signed. It is also signed when the gateway stops."),
  anchor: off(path).describe(
    "File outside audit.dir that keeps the last signed checkpoint, so that a truncated or replaced directory is " +
      "detected. Default: <audit.dir>.anchor. Set it where the gateway cannot write beside audit.dir.",
  ),
  publish: z
    .array(checkpointSinkAddress)
    .default([])
    .describe(
      "Checkpoint sinks: further places to which checkpoints are written. file:/absolute/path, " +
        "syslog:udp://host:port or syslog:tcp://host:port.",
    ),
  witnesses: z
    .array(witness)
    .default([])
    .refine((all) => new Set(all.map(({ key }) => key.split("+").slice(2).join("+"))).size === all.length, {
      error: "expected each witness only once",
    })
    .describe(
      "External witnesses (C2SP tlog-witness) that cosign each checkpoint, so that others can detect a rewritten " +
        "journal. Requests never wait for them.",
    ),
  witness_quorum: off(count(100)).describe(
    "How many witnesses must cosign; the gateway warns when fewer do. Default: 1.",
  ),
  timestamp: off(timestamp).describe("Time stamping authority that confirms when a checkpoint existed. Default: off."),
});

const EPOCH = "an epoch: t and a number, for example t2";

const KEY_SHAPE = "a text of 32 characters or more, or a list of { epoch: t1, secret: … }";

const indexKeys = z
  .array(
    z.strictObject(
      {
        epoch: z
          .string({ error: `expected ${EPOCH}` })
          .regex(/^t[1-9]\d{0,3}$/, { error: `expected ${EPOCH}` })
          .describe("Prefix of the tokens made with this key. A key that is given alone has t1."),
        secret: secret.describe("The key, 32 characters or more."),
      },
      { error: ({ code }) => (code === "invalid_type" ? "expected { epoch: t1, secret: … }" : undefined) },
    ),
  )
  .min(1, { error: "expected at least one { epoch: t1, secret: … }" })
  .refine((keys) => new Set(keys.map(({ epoch }) => epoch)).size === keys.length, {
    error: "expected each epoch only once",
  });

/** Names of two kinds in format 1 of the journal; configs may still use them. */
const FORMER = { doubt: "in-doubt", retired: "deleted" } as const;
type Former = keyof typeof FORMER;
const formerNames = Object.keys(FORMER) as readonly Former[];

const retention = z.union([
  duration.transform((ms): Retention => ({ default: ms })),
  z
    .strictObject({
      default: duration.describe("Retention of all kinds that are not listed."),
      ...(Object.fromEntries(
        KINDS.map((kind) => [kind, duration.optional().describe(`Retention of entries of kind ${kind}.`)]),
      ) as Record<Kind, z.ZodOptional<typeof duration>>),
      ...(Object.fromEntries(
        formerNames.map((name) => [name, duration.optional().describe(`Former name of ${FORMER[name]}.`)]),
      ) as Record<Former, z.ZodOptional<typeof duration>>),
    })
    .refine((times) => formerNames.every((name) => times[name] === undefined || times[FORMER[name]] === undefined), {
      error: "expected only one of in-doubt and its former name doubt, and only one of deleted and retired",
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

/** Retention times in milliseconds; a kind that is absent has the default. */
export type Retention = { readonly default: number } & Readonly<Partial<Record<Kind, number>>>;

const day = z
  .string({ error: "expected a day, for example 2026-11-22" })
  .refine((text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: "expected a day, for example 2026-11-22",
  })
  .transform((text) => Date.parse(text));

const hold = z.strictObject({
  name: name.describe("Name of the case or request that is the reason."),
  from: day.prefault("1970-01-01").describe("The first day (UTC) whose entries are kept."),
  until: day.prefault("9999-12-31").describe("The first day (UTC) whose entries are no longer kept."),
});

export const audit = z.strictObject({
  dir: path.describe("Directory of the journal."),
  on_failure: z
    .enum(["refuse", "continue"])
    .default("refuse")
    .describe(
      "What happens when the journal cannot be written: refuse (refuse requests) or continue (forward them, and " +
        "record the gap later).",
    ),
  durability: z
    .enum(["flush", "os"])
    .default("flush")
    .describe(
      "flush: entries are on disk before the request goes to OCS and before the reply. os: the operating system " +
        "decides when.",
    ),
  disk_timeout: wait
    .prefault("5s")
    .describe("After this time without an answer from the disk, the journal counts as failed."),
  redact: redact
    .prefault({})
    .describe("How the journal keeps personal data: keep, token (searchable, not readable), last4 or drop."),
  index_key: z
    .union([secret, indexKeys], { error: `expected ${KEY_SHAPE}` })
    .describe(
      "Secret that makes tokens from phone numbers and customer ids, 32 characters or more. To change it, use a " +
        "list of { epoch, secret }: the old key is t1, the last key makes new tokens, and searches use all keys. The " +
        "journal stores a check value of each epoch; a different key under the same epoch is rejected.",
    ),
  checkpoint: checkpoint.describe("Checkpoints: signed statements of the journal's size and content."),
  retention: retention
    .prefault("1855d")
    .describe(
      "How long entries are kept: one duration, or one for each kind of entry and a default. A segment (at most 64 " +
        "MiB or one day) is deleted once all its entries have expired; refusals, floods, look-ups and finished " +
        "requests with a shorter time are deleted earlier.",
    ),
  compress_after: z
    .union([z.literal("never"), duration], { error: "expected a duration, for example 1d, or never" })
    .prefault("1d")
    .describe(
      "When a full segment is compressed (to about one eighth), counted from the start of the next one: a " +
        "duration, or never. Search, verification and export read both forms.",
    ),
  legal_hold: z
    .array(hold)
    .default([])
    .describe("Legal holds: entries of these days, and all newer ones, are not deleted."),
  forward: forward.describe(
    "Destinations to which journal entries are sent as they are written, for example a SIEM. Requests never wait for " +
      "them.",
  ),
});
