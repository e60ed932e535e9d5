/** `audit.forward`: where journal entries are sent as they are written. */
import { z } from "zod";
import type { Kind } from "../../../journal/entry.ts";
import { KINDS } from "../../../journal/kinds.ts";
import { count, forwardAddress, label, off, path, wait } from "../units.ts";

const tls = z.strictObject({
  ca: off(path).describe(
    "PEM file with the certificates that the receiver's chain must end in. Default: the system's.",
  ),
  cert: off(path).describe("PEM file with the certificate that the gateway shows to the receiver. Default: none."),
  key: off(path).describe("PEM file with its private key."),
  server_name: off(label).describe("Name that the receiver's certificate must have. Default: the host of `to`."),
});

/** The private enterprise number that RFC 5612 reserves for examples. */
const EXAMPLE_NUMBER = 32_473;
const HIGHEST_NUMBER = 4_294_967_295;

const destination = z.strictObject({
  name: label.describe("Name of the destination. Its position in the journal belongs to this name."),
  to: forwardAddress.describe(
    "Address of the receiver: syslog:udp://host:port, syslog:tcp://host:port or syslog:tls://host:port; " +
      "tcp://host:port or tls://host:port for one line for each entry; or file: and an absolute path.",
  ),
  format: off(z.enum(["rfc5424", "ocsf"])).describe(
    "rfc5424 (a syslog message with structured data and the journal's line) or ocsf (a JSON event of OCSF 1.3, class " +
      "API Activity). Default: rfc5424 for syslog:, otherwise ocsf.",
  ),
  tls: off(tls).describe("TLS of syslog:tls:// and tls://. The files are read again at each connection."),
  kinds: off(
    z.array(z.enum(KINDS as readonly [Kind, ...Kind[]])).min(1, { error: "expected at least one kind of entry" }),
  ).describe("Kinds of entries to forward. Default: all."),
  from: z
    .enum(["now", "beginning"])
    .default("now")
    .describe("The first entry of a destination that has no position yet: the next one, or the journal's oldest one."),
  enterprise_number: count(HIGHEST_NUMBER)
    .default(EXAMPLE_NUMBER)
    .describe(
      "Private enterprise number (IANA) of your organization, in the name of the structured data: ocsgw@32473. " +
        "Default: the number that is reserved for examples.",
    ),
  alarm_after: wait.prefault("15m").describe("After this time without success the journal gets an alarm."),
});

export const forward = z
  .array(destination)
  .default([])
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    error: "expected each name only once",
  });
