/**
 * Finds the address for a health probe in the lines of the config file without the YAML library, which takes longer to
 * load than the rest of the probe. Files with anchors, `${…}`, several documents or unusual quotes need the library.
 */
import { parseBind, type Bind } from "./bind.ts";

/** Addresses of listeners without TLS and with a fixed port. A standby listens on `probes` only. */
export type ProbeAddresses = { readonly probes: Bind | undefined; readonly admin: Bind | undefined };

type Keys = Readonly<Record<string, unknown>>;

/** `admin`: the value of the config's key `admin`. */
export const addressesIn = (admin: unknown): ProbeAddresses => {
  const keys = mapOf(admin);
  const probes = keys?.["probes"];
  const isPlain = (keys?.["tls"] ?? "none") === "none";
  return {
    probes: addressOf(typeof probes === "string" ? probes : mapOf(probes)?.["bind"]),
    admin: isPlain ? addressOf(keys?.["bind"]) : undefined,
  };
};

const mapOf = (value: unknown): Keys | undefined =>
  typeof value === "object" && value !== null ? (value as Keys) : undefined;

/** Undefined for port 0, because the actual port is not in the file. */
const addressOf = (bind: unknown): Bind | undefined => {
  const found = typeof bind === "string" ? parseBind(bind) : undefined;
  return found && found.port !== 0 ? found : undefined;
};

/** Undefined if the text needs the YAML library. */
export const scanProbeAddresses = (text: string): ProbeAddresses | undefined => {
  try {
    const admin = adminIn(text);
    return admin && addressesIn(admin);
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
};

class NotPlain extends Error {}
const notPlain = (): never => {
  throw new NotPlain();
};

/** A line without indent must be a key, an entry of a list, or a comment. */
const AT_START = /^(?:[A-Za-z_][\w-]*:(?:\s|$)|- |#)/;
const BLANK = /^\s*(?:#.*)?$/;
const ENTRY = /^( +)([a-z_]+):(?: +(\S.*?))? *$/;

const adminIn = (text: string): Keys | undefined => {
  const lines = text.split(/\r?\n/);
  const outer = lines.filter((line) => line !== "" && !line.startsWith(" ") && !BLANK.test(line));
  if (!outer.every((line) => AT_START.test(line))) return undefined;
  const [first, ...more] = outer.filter((line) => line.startsWith("admin:"));
  if (first === undefined || more.length > 0) return undefined;
  const at = lines.indexOf(first) + 1;
  const end = lines.findIndex((line, index) => index >= at && line !== "" && !/^[ #]/.test(line));
  const below = lines.slice(at, end < 0 ? undefined : end).filter((line) => !BLANK.test(line));
  const value = withoutComment(first.slice("admin:".length)).trim();
  if (value === "") return blockOf(below.map(withoutComment));
  if (below.length > 0) return undefined;
  const read = new Flow(value).whole();
  return mapOf(read);
};

/** Gives up on a line with # and quotes, because # inside quotes does not start a comment. */
const withoutComment = (line: string): string => {
  const at = line.search(/\s#/);
  if (at < 0) return line;
  return /["']/.test(line) ? notPlain() : line.slice(0, at);
};

const blockOf = (lines: readonly string[]): Keys => {
  const keys: Record<string, unknown> = {};
  const indent = /^ */.exec(lines[0] ?? "")![0].length;
  for (let at = 0; at < lines.length;) {
    const [, blanks, key, value] = ENTRY.exec(lines[at]!) ?? notPlain();
    if (blanks!.length !== indent || Object.hasOwn(keys, key!)) notPlain();
    let next = at + 1;
    while (next < lines.length && /^ */.exec(lines[next]!)![0].length > indent) next++;
    const below = lines.slice(at + 1, next);
    if (value !== undefined && below.length > 0) notPlain();
    keys[key!] = value === undefined ? valueBelow(below) : new Flow(value).whole();
    at = next;
  }
  return keys;
};

/** The value of an indented block; lists become empty, because their entries are not needed. */
const valueBelow = (lines: readonly string[]): unknown => {
  if (lines.length === 0) return null;
  return lines.every((line) => /^ +- [\w.:/]+ *$/.test(line)) ? [] : blockOf(lines);
};

/** A scalar without quotes: an address, a word, a path, a number. */
const PLAIN = /^[\w./][\w./:-]*(?<!:)$/;

/** Reads maps, lists and scalars in YAML's flow style, on one line. */
class Flow {
  #rest: string;

  constructor(text: string) {
    this.#rest = text;
  }

  whole(): unknown {
    const value = this.#value();
    return this.#rest.trim() === "" ? value : notPlain();
  }

  #value(): unknown {
    if (this.#takes("{")) return this.#map();
    if (this.#takes("[")) return this.#list();
    const quoted = /^"([^"\\]*)"|^'([^']*)'/.exec(this.#rest);
    if (quoted) {
      this.#rest = this.#rest.slice(quoted[0].length);
      const text = quoted[1] ?? quoted[2]!;
      return text.includes("$") ? notPlain() : text;
    }
    const scalar = /^[^,{}[\]]*/.exec(this.#rest)![0];
    this.#rest = this.#rest.slice(scalar.length);
    const text = scalar.trim();
    if (text === "~" || text === "null") return null;
    // The values of other scalars are not needed.
    if (!PLAIN.test(text)) notPlain();
    return /^\d+$/.test(text) ? Number(text) : text;
  }

  #map(): Keys {
    const keys: Record<string, unknown> = {};
    while (!this.#takes("}")) {
      const [all, key] = /^\s*([a-z_]+): +/.exec(this.#rest) ?? notPlain();
      if (Object.hasOwn(keys, key!)) notPlain();
      this.#rest = this.#rest.slice(all!.length);
      keys[key!] = this.#value();
      if (!this.#takes(",") && !/^\s*\}/.test(this.#rest)) notPlain();
    }
    return keys;
  }

  #list(): unknown[] {
    const found: unknown[] = [];
    while (!this.#takes("]")) {
      found.push(this.#value());
      if (!this.#takes(",") && !/^\s*\]/.test(this.#rest)) notPlain();
    }
    return found;
  }

  #takes(sign: string): boolean {
    const rest = this.#rest.trimStart();
    if (!rest.startsWith(sign)) return false;
    this.#rest = rest.slice(1).trimStart();
    return true;
  }
}
