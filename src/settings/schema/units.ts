/** The types of values in a config file, with syntax and parsed form: milliseconds, bytes, addresses. */
import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { FIELD_NAME_EXPECTED, isFieldName } from "../../ocs/field-name.ts";
import { BIND, parseBind, type Bind } from "../bind.ts";

export type { Bind } from "../bind.ts";

const PERIODS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const SIZE = /^(\d{1,9})(B|KiB|MiB|GiB)$/;
const RATE = /^(\d{1,9})\/(s|m|h|d)$/;
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)(:(?:\d{1,5}|\*))?$/;

export type Rate = { readonly count: number; readonly per_ms: number };

const expected = (what: string): { error: string } => ({ error: `expected ${what}` });

/** A text that matches the pattern. `what` completes the sentence "expected …". */
const spelled = (what: string, pattern: RegExp): z.ZodString => z.string(expected(what)).regex(pattern, expected(what));

const millis = (amount: string, unit: string): number => Number(amount) * PERIODS[unit as keyof typeof PERIODS];

/** Milliseconds of a text such as `250ms`, `5s`, `60m`, `2h` or `90d`; undefined for other texts. */
export const parseDuration = (text: string): number | undefined => {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  return amount === undefined || unit === undefined ? undefined : millis(amount, unit);
};

export const DURATION_EXPECTED = "a duration: a whole number with ms, s, m, h or d, for example 5s";
/** Milliseconds, above 0. */
export const duration = spelled(DURATION_EXPECTED, DURATION)
  .refine((text) => parseDuration(text) !== 0, expected("a duration above 0"))
  .transform((text) => parseDuration(text) as number)
  .meta({ "x-kind": "duration" });

/** Milliseconds, or 0 for none. */
export const durationOrNone = spelled("a duration, for example 5s, or 0s for none", DURATION)
  .transform((text) => parseDuration(text) as number)
  .meta({ "x-kind": "duration" });

/** The longest timer of Node, which fires longer ones at once. */
export const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** A duration that a timer can wait. */
export const wait = duration
  .refine((ms) => ms <= LONGEST_WAIT_MS, expected("a duration of 24d at most"))
  .meta({ "x-kind": "duration" });

/** The longest token lifetime that a config may accept; determines how long revocations of tokens are kept. */
export const LONGEST_TOKEN_MS = 30 * 86_400_000;

export const lifetime = duration
  .refine((ms) => ms <= LONGEST_TOKEN_MS, expected("a duration of 30d at most"))
  .meta({ "x-kind": "duration" });

/** Bytes, above 0. */
export const size = spelled("a size: a whole number with B, KiB, MiB or GiB, for example 64KiB", SIZE)
  .refine((text) => Number.parseInt(text, 10) > 0, expected("a size above 0"))
  .transform((text) => {
    const [, amount, unit] = SIZE.exec(text) as unknown as [string, string, keyof typeof UNITS];
    return Number(amount) * UNITS[unit];
  })
  .meta({ "x-kind": "size" });

export const rate = spelled("a rate: a whole number per s, m, h or d, for example 50/s", RATE)
  .refine((text) => Number.parseInt(text, 10) > 0, expected("a rate above 0"))
  .transform((text): Rate => {
    const [, count, per] = RATE.exec(text) as unknown as [string, string, string];
    return { count: Number(count), per_ms: millis("1", per) };
  });

const BIND_EXPECTED = "an IP address and a port to listen on, for example 127.0.0.1:8443 or [::]:8443";

export const bind = spelled(BIND_EXPECTED, BIND)
  // A text that does not match the pattern has been reported.
  .refine((text) => !BIND.test(text) || parseBind(text) !== undefined, expected(BIND_EXPECTED))
  .transform((text) => parseBind(text) as Bind)
  .meta({ "x-kind": "address" });

const isCidr = (text: string): boolean => {
  const [address = "", prefix, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0 || address.includes("%")) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
};

/** A network as `10.0.0.0/8`, or one address. */
export const cidr = z
  .string(expected("a network, for example 10.0.0.0/8"))
  .refine(isCidr, expected("a network, for example 10.0.0.0/8 or 2001:db8::/32"))
  .meta({ "x-kind": "address" });

/** `host`, `host:port` or `host:*`, converted to lower case for comparison. */
export const authority = spelled(
  "a host name or address without https://, with or without :port (:* for any)",
  AUTHORITY,
)
  .transform((text) => text.toLowerCase())
  .meta({ "x-kind": "address" });

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

const ORIGIN_EXPECTED = "scheme://host:port of an OCS without a path, for example https://ocs1.example.internal:8443";
/** Scheme, host and port only, because OCS's resources are at its root. */
export const origin = z
  .string(expected(ORIGIN_EXPECTED))
  .refine((text) => {
    const url = parseUrl(text);
    return url !== undefined && url.pathname === "/" && url.search === "";
  }, expected(ORIGIN_EXPECTED))
  .transform((text) => new URL(text).origin)
  .meta({ "x-kind": "address" });

/** Its query may hold a credential, so it is never shown (`view/hidden.ts`). */
const URL_EXPECTED = "an http or https address without user, password or fragment";
export const webAddress = z
  .string(expected(URL_EXPECTED))
  .refine((text) => parseUrl(text) !== undefined, expected(URL_EXPECTED))
  .meta({ "x-kind": "url" });

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** True for a host of a bind or a URL that only this machine can reach. */
export const isLoopback = (host: string): boolean => {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  const family = isIP(bare);
  return bare === "localhost" || (family !== 0 && loopback.check(bare, family === 6 ? "ipv6" : "ipv4"));
};

/** A name typed by an administrator: no control or format characters, no surrounding blanks, NFC-normalized. */
export const name = z
  .string(expected("a name"))
  .refine(
    (text) => /^[^\p{C}]{1,255}$/u.test(text) && text.trim() === text && text.normalize("NFC") === text,
    expected(
      "a name of 1 to 255 characters, without control characters or spaces at its ends, in composed Unicode (NFC)",
    ),
  );

/** The name of a user-defined field in requests. */
export const field = z.string(expected(FIELD_NAME_EXPECTED)).refine(isFieldName, expected(FIELD_NAME_EXPECTED));

/** The name of a key in C2SP signed notes, which use blanks and + as separators. */
export const keyName = name.refine(
  (text) => !/[\s+]/u.test(text),
  expected("a name without spaces and +, for example ocsgw.example.com/main"),
);

/** A short name of a listener, an upstream or a client. A client's is also the user name of HTTP Basic. */
export const label = spelled(
  "a name of 1 to 64 letters, digits or . _ - that starts with a letter or digit",
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
);

export const text = z.string(expected("a text")).min(1, expected("a text that is not empty"));

/** A path relative to the config file; `loadSettings` makes it absolute. */
export const path = z
  .string(expected("a path of a file or directory"))
  .min(1, expected("a path that is not empty"))
  .meta({ "x-kind": "path" });

/** A value that messages never show. */
export const secret = text.meta({ "x-kind": "secret" });

export const dbid = z
  .int(expected("a DBID: a whole number from 1"))
  .min(1, expected("a DBID: a whole number from 1"))
  .max(2_147_483_647, expected("a DBID: a whole number up to 2147483647"));

export const count = (highest: number): z.ZodInt =>
  z
    .int(expected(`a whole number from 1 to ${highest}`))
    .min(1, expected(`a whole number from 1 to ${highest}`))
    .max(highest, expected(`a whole number from 1 to ${highest}`));

/** A setting whose default is off; `~` turns it off explicitly. */
export const off = <Schema extends z.ZodType>(schema: Schema): z.ZodPrefault<z.ZodNullable<Schema>> =>
  schema.nullable().prefault(null as never);

export type CheckpointSinkAddress =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "syslog"; readonly protocol: "udp" | "tcp"; readonly host: string; readonly port: number };

const SINK_ADDRESS = /^(?:file:(\/.+)|syslog:(udp|tcp):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([1-9]\d{0,4}))$/;

/** A checkpoint sink. Node has no local datagram sockets, so /dev/log is not supported; syslog has UDP and TCP too. */
export const checkpointSinkAddress = spelled(
  "file: and an absolute path, or syslog:udp://host:port, or syslog:tcp://host:port",
  SINK_ADDRESS,
)
  .transform((given): CheckpointSinkAddress => {
    const [, file, protocol, host = "", port] = SINK_ADDRESS.exec(given) ?? [];
    return file === undefined
      ? {
          kind: "syslog",
          protocol: protocol === "tcp" ? "tcp" : "udp",
          host: host.replace(/^\[|\]$/g, ""),
          port: Number(port),
        }
      : { kind: "file", path: file };
  })
  .meta({ "x-kind": "address" });

export type ForwardAddress =
  | { readonly kind: "file"; readonly path: string }
  | {
      readonly kind: "syslog" | "lines";
      readonly protocol: "udp" | "tcp" | "tls";
      readonly host: string;
      readonly port: number;
    };

const FORWARD_ADDRESS =
  /^(?:file:(\/.+)|(syslog:)?((?<=syslog:)udp|tcp|tls):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([1-9]\d{0,4}))$/;

const FORWARD_EXPECTED =
  "syslog:udp://host:port, syslog:tcp://host:port, syslog:tls://host:port, tcp://host:port, tls://host:port, or " +
  "file: and an absolute path";

const HIGHEST_PORT = 65_535;

/** A receiver of journal entries. */
export const forwardAddress = spelled(FORWARD_EXPECTED, FORWARD_ADDRESS)
  .refine((given) => Number(FORWARD_ADDRESS.exec(given)?.[5] ?? 1) <= HIGHEST_PORT, expected("a port up to 65535"))
  .transform((given): ForwardAddress => {
    const [, file, syslog, protocol, host = "", port] = FORWARD_ADDRESS.exec(given) ?? [];
    return file === undefined
      ? {
          kind: syslog === undefined ? "lines" : "syslog",
          protocol: protocol as "udp" | "tcp" | "tls",
          host: host.replace(/^\[|\]$/g, ""),
          port: Number(port),
        }
      : { kind: "file", path: file };
  })
  .meta({ "x-kind": "address" });
