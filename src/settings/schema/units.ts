/** The kinds of value that stand in a config file, each with its grammar and what it becomes: milliseconds, bytes, addresses. */
import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { FIELD_NAME_EXPECTED, isFieldName } from "../ocs/field-name.ts";
import { BIND, parseBind, type Bind } from "./bind.ts";

export type { Bind } from "./bind.ts";

const PERIODS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const SIZE = /^(\d{1,9})(B|KiB|MiB|GiB)$/;
const RATE = /^(\d{1,9})\/(s|m|h|d)$/;
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)(:(?:\d{1,5}|\*))?$/;

export type Rate = { readonly count: number; readonly per_ms: number };

const says = (expected: string): { error: string } => ({ error: `expected ${expected}` });

/** A text of one grammar. `expected` completes the sentence "expected …". */
const spelled = (expected: string, pattern: RegExp): z.ZodString =>
  z.string(says(expected)).regex(pattern, says(expected));

const millis = (amount: string, unit: string): number => Number(amount) * PERIODS[unit as keyof typeof PERIODS];

/** Milliseconds of `250ms 5s 60m 2h 90d`; undefined when it is none of these. */
export const parseDuration = (text: string): number | undefined => {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  return amount === undefined || unit === undefined ? undefined : millis(amount, unit);
};

export const DURATION_EXPECTED = "a duration: a whole number with ms, s, m, h or d, as in 5s";
/** Milliseconds, above 0. */
export const duration = spelled(DURATION_EXPECTED, DURATION)
  .refine((text) => parseDuration(text) !== 0, says("a duration above 0"))
  .transform((text) => parseDuration(text) as number)
  .meta({ "x-kind": "duration" });

/** Milliseconds, or 0 for none. */
export const durationOrNone = spelled("a duration, or 0s", DURATION)
  .transform((text) => parseDuration(text) as number)
  .meta({ "x-kind": "duration" });

/** The longest that a timer of Node's waits: with more it would not wait at all. */
export const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** The same for what something waits: no longer than a timer can. */
export const wait = duration
  .refine((ms) => ms <= LONGEST_WAIT_MS, says("a duration of 24d at most"))
  .meta({ "x-kind": "duration" });

/** The longest life of a token that a config may accept: as long as a revoked one is remembered. */
export const LONGEST_TOKEN_MS = 30 * 86_400_000;

export const lifetime = duration
  .refine((ms) => ms <= LONGEST_TOKEN_MS, says("a duration of 30d at most"))
  .meta({ "x-kind": "duration" });

/** Bytes, above 0. */
export const size = spelled("a size: a whole number with B, KiB, MiB or GiB, as in 64KiB", SIZE)
  .refine((text) => Number.parseInt(text, 10) > 0, says("a size above 0"))
  .transform((text) => {
    const [, amount, unit] = SIZE.exec(text) as unknown as [string, string, keyof typeof UNITS];
    return Number(amount) * UNITS[unit];
  })
  .meta({ "x-kind": "size" });

export const rate = spelled("a rate: a whole number per s, m, h or d, as in 50/s", RATE)
  .refine((text) => Number.parseInt(text, 10) > 0, says("a rate above 0"))
  .transform((text): Rate => {
    const [, count, per] = RATE.exec(text) as unknown as [string, string, string];
    return { count: Number(count), per_ms: millis("1", per) };
  });

const BIND_EXPECTED = "an address and a port to listen on, as in 127.0.0.1:8443 or [::]:8443";

export const bind = spelled(BIND_EXPECTED, BIND)
  // What does not fit the pattern was said already.
  .refine((text) => !BIND.test(text) || parseBind(text) !== undefined, says(BIND_EXPECTED))
  .transform((text) => parseBind(text) as Bind);

const isCidr = (text: string): boolean => {
  const [address = "", prefix, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0 || address.includes("%")) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
};

/** A network as `10.0.0.0/8`, or one address. */
export const cidr = z
  .string(says("a network, as in 10.0.0.0/8"))
  .refine(isCidr, says("a network, as in 10.0.0.0/8 or 2001:db8::/32"));

/** `host`, `host:port` or `host:*`, in lower case as authorities are compared. */
export const authority = spelled("a host name or address, with or without :port (:* for any)", AUTHORITY).transform(
  (text) => text.toLowerCase(),
);

const parseUrl = (text: string): URL | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url &&
    (url.protocol === "https:" || url.protocol === "http:") &&
    url.username === "" &&
    url.password === "" &&
    url.hash === "";
  return plain ? url : undefined;
};

const ORIGIN_EXPECTED = "scheme://host:port of an OCS, as in https://ocs1.example.internal:8443";
/** Only scheme, host and port, as OCS's resources stand at its root. */
export const origin = z
  .string(says(ORIGIN_EXPECTED))
  .refine((text) => {
    const url = parseUrl(text);
    return url !== undefined && url.pathname === "/" && url.search === "";
  }, says(ORIGIN_EXPECTED))
  .transform((text) => new URL(text).origin);

const URL_EXPECTED = "an http or https address without user, password or fragment";
export const webAddress = z
  .string(says(URL_EXPECTED))
  .refine((text) => parseUrl(text) !== undefined, says(URL_EXPECTED));

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** A host as it stands in a bind or a URL: only this machine reaches it. */
export const isLoopback = (host: string): boolean => {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  const family = isIP(bare);
  return bare === "localhost" || (family !== 0 && loopback.check(bare, family === 6 ? "ipv6" : "ipv4"));
};

/** A name as an administrator types it: no control or format characters, no blanks at its ends, in Unicode's composed form. */
export const name = z
  .string(says("a name"))
  .refine(
    (text) => /^[^\p{C}]{1,255}$/u.test(text) && text.trim() === text && text.normalize("NFC") === text,
    says("a name of 1 to 255 characters, without control characters or blanks at its ends, in composed Unicode (NFC)"),
  );

/** The name of a user-defined field, as requests carry it. */
export const field = z.string(says(FIELD_NAME_EXPECTED)).refine(isFieldName, says(FIELD_NAME_EXPECTED));

/** The name of a key in C2SP signed notes, where a blank or a + would end it. */
export const keyName = name.refine(
  (text) => !/[\s+]/u.test(text),
  says("a name without blanks and +, as in ocsgw.example.com/main"),
);

/** A short name used as a key: of a listener, an upstream, a client. A client's also stands before the colon of HTTP Basic. */
export const label = spelled(
  "a name of 1 to 64 letters, digits or . _ - that begins with a letter or digit",
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
);

export const text = z.string(says("a text")).min(1, says("a text that is not empty"));

/** Relative to the config file; absolute once loaded. */
export const path = text.meta({ "x-kind": "path" });

/** Never shown in a message. */
export const secret = text.meta({ "x-kind": "secret" });

export const dbid = z
  .int(says("a DBID: a whole number from 1"))
  .min(1, says("a DBID: a whole number from 1"))
  .max(2_147_483_647, says("a DBID: a whole number up to 2147483647"));

export const count = (highest: number): z.ZodInt =>
  z
    .int(says(`a whole number from 1 to ${highest}`))
    .min(1, says(`a whole number from 1 to ${highest}`))
    .max(highest, says(`a whole number from 1 to ${highest}`));

/** What is off when it is left out. `~` says so aloud. */
export const off = <Schema extends z.ZodType>(schema: Schema): z.ZodPrefault<z.ZodNullable<Schema>> =>
  schema.nullable().prefault(null as never);

export type SecondPlace =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "syslog"; readonly protocol: "udp" | "tcp"; readonly host: string; readonly port: number };

const SECOND_PLACE = /^(?:file:(\/.+)|syslog:(udp|tcp):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([1-9]\d{0,4}))$/;

/** Where checkpoints are published. Node has no datagram sockets of the local kind, so /dev/log is none: a receiver also listens on UDP or TCP. */
export const secondPlace = spelled(
  "file: and an absolute path, or syslog:udp://host:port, or syslog:tcp://host:port",
  SECOND_PLACE,
).transform((given): SecondPlace => {
  const [, file, protocol, host = "", port] = SECOND_PLACE.exec(given) ?? [];
  return file === undefined
    ? {
        kind: "syslog",
        protocol: protocol === "tcp" ? "tcp" : "udp",
        host: host.replace(/^\[|\]$/g, ""),
        port: Number(port),
      }
    : { kind: "file", path: file };
});
