/**
 * Verifies in the browser that the signed journal has the lines of a request: the hash of each line, its path to the
 * root of a checkpoint (RFC 6962), and the signature of the checkpoint (a C2SP signed note with Ed25519). Nothing is
 * believed of what the gateway says about them, except which key is its own.
 */
import type { EntryProofs } from "../../../admin/schemas/flow.ts";

/**
 * proved: the line leads to the root of the checkpoint. uncovered: it is newer than the checkpoint, or there is none.
 * The others are failures: `differs`, the line is not the entry that the page shows; `pathless`, the gateway gives no
 * path; `elsewhere`, the path leads to another root; `unsigned`, it leads to the root, whose signature is not valid.
 * unchecked: it leads to the root, whose signature this browser cannot check, so anybody may have made it.
 */
export type LineVerdict = "proved" | "unchecked" | "uncovered" | "differs" | "pathless" | "elsewhere" | "unsigned";

/** `unchecked`: this browser has no Ed25519. `unknown`: no key of the gateway has the name and id of a signature. */
export type SignatureVerdict = "valid" | "invalid" | "unknown" | "unchecked";

export type Verdicts = {
  readonly lines: readonly { readonly index: number; readonly verdict: LineVerdict }[];
  /** Undefined if there is no checkpoint. `unreadable`: what the gateway sent is not one. */
  readonly checkpoint:
    | { readonly size: number; readonly signature: SignatureVerdict; readonly signer: string | undefined }
    | "unreadable"
    | undefined;
};

/** The browser offers no cryptography, as over plain HTTP from another machine. */
export class NoCryptography extends Error {
  override readonly name = "NoCryptography";
}

/** Of a line that leads to the root of the checkpoint, by its signature. */
const WHOLE = {
  valid: "proved",
  unchecked: "unchecked",
  invalid: "unsigned",
  unknown: "unsigned",
} as const satisfies Record<SignatureVerdict, LineVerdict>;

/** `shown`: the entries on the page. Throws NoCryptography. */
export const checkProofs = async (
  { checkpoint: note, keys, lines }: EntryProofs,
  shown: readonly object[],
): Promise<Verdicts> => {
  if ((crypto.subtle as SubtleCrypto | undefined) === undefined) throw new NoCryptography();
  const checkpoint = note === null ? undefined : (readNote(note) ?? "unreadable");
  const signed = typeof checkpoint === "object" ? await signatureOf(checkpoint, keys) : undefined;
  const whole = signed ? WHOLE[signed.signature] : "unsigned";
  const verdictOf = async (line: EntryProofs["lines"][number], entry: object | undefined): Promise<LineVerdict> => {
    if (entry === undefined || !isSame(parsed(line.line), entry) || indexIn(entry) !== line.index) return "differs";
    if (checkpoint === undefined) return "uncovered";
    if (checkpoint === "unreadable") return "pathless";
    if (line.index >= checkpoint.size) return "uncovered";
    if (line.path === null) return "pathless";
    const root = await rootFrom(line, checkpoint.size, line.path);
    return root !== undefined && hex(root) === hex(checkpoint.root) ? whole : "elsewhere";
  };
  return {
    lines: await Promise.all(
      shown.map(async (entry, at) => {
        const line = lines[at];
        return { index: indexIn(entry) ?? at, verdict: line ? await verdictOf(line, entry) : "differs" };
      }),
    ),
    checkpoint: typeof checkpoint === "object" ? { size: checkpoint.size, ...signed! } : checkpoint,
  };
};

const indexIn = (entry: object): number | undefined => {
  const { index } = entry as { readonly index?: unknown };
  return typeof index === "number" ? index : undefined;
};

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};

/** Whether two values of JSON are the same; the order of members does not matter. */
const isSame = (one: unknown, other: unknown): boolean => {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  const [keys, others] = [Object.keys(one), Object.keys(other)];
  return (
    Array.isArray(one) === Array.isArray(other) &&
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame((one as Members)[key], (other as Members)[key]))
  );
};

type Members = Readonly<Record<string, unknown>>;
type Bytes = Uint8Array<ArrayBuffer>;

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const hex = (bytes: Bytes): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const joined = (...parts: readonly Bytes[]): Bytes => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

const sha256 = async (...parts: readonly Bytes[]): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

type Leaf = { readonly index: number; readonly line: string };

/** RFC 9162, 2.1.3.2. Undefined if the path does not fit the tree. */
const rootFrom = async ({ index, line }: Leaf, size: number, path: readonly string[]): Promise<Bytes | undefined> => {
  let [node, last] = [BigInt(index), BigInt(size - 1)];
  let hash = await sha256(LEAF, utf8(line));
  for (const digits of path) {
    const sibling = /^[0-9a-f]{64}$/.test(digits) ? bytesOfHex(digits) : undefined;
    if (last === 0n || !sibling) return undefined;
    if (node % 2n === 1n || node === last) {
      hash = await sha256(NODE, sibling, hash);
      while (node % 2n === 0n && node !== 0n) [node, last] = [node / 2n, last / 2n];
    } else hash = await sha256(NODE, hash, sibling);
    [node, last] = [node / 2n, last / 2n];
  }
  return last === 0n ? hash : undefined;
};

type Note = {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
  /** What is signed. */
  readonly text: string;
  readonly signatures: readonly { readonly id: string; readonly signature: Bytes }[];
};

const NOTE = /^([^\n]+)\n(0|[1-9][0-9]{0,14})\n([A-Za-z0-9+/]{43}=)\n((?:[^\n]+\n)*)\n((?:— [^\n]+\n)+)$/;
const ID_BYTES = 4;

/** Undefined if it is not a signed checkpoint. Signatures in other names, as of witnesses, are left out. */
const readNote = (note: string): Note | undefined => {
  const [, origin, size, root, , signed] = NOTE.exec(note) ?? [];
  if (origin === undefined || root === undefined || signed === undefined) return undefined;
  const signatures = signed.split("\n").flatMap((line) => {
    const [, name, encoded = "", ...more] = line.split(" ");
    const bytes = name === origin && more.length === 0 ? bytesOfBase64(encoded) : undefined;
    return bytes ? [{ id: hex(bytes.slice(0, ID_BYTES)), signature: bytes.slice(ID_BYTES) }] : [];
  });
  return {
    origin,
    size: Number(size),
    root: bytesOfBase64(root) ?? new Uint8Array(0),
    text: note.slice(0, note.lastIndexOf("\n\n") + 1),
    signatures,
  };
};

const bytesOfHex = (digits: string): Bytes =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Undefined if it is not base64, or not written as an encoder writes it. */
const bytesOfBase64 = (text: string): Bytes | undefined => {
  try {
    const binary = atob(text);
    return btoa(binary) === text ? Uint8Array.from(binary, (byte) => byte.codePointAt(0)!) : undefined;
  } catch {
    return undefined;
  }
};

type Signed = { readonly signature: SignatureVerdict; readonly signer: string | undefined };

/** By the first key with the name of the checkpoint's origin and the id of one of its signatures. */
const signatureOf = async (note: Note, keys: readonly string[]): Promise<Signed> => {
  for (const line of keys) {
    const key = await readKey(line);
    const made = key?.name === note.origin ? note.signatures.find(({ id }) => id === key.id) : undefined;
    if (key && made)
      return { signature: await verdictBy(key.bytes, made.signature, note.text), signer: `${key.name}+${key.id}` };
  }
  return { signature: "unknown", signer: undefined };
};

const verdictBy = async (key: Bytes, signature: Bytes, text: string): Promise<SignatureVerdict> => {
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    return error instanceof DOMException && error.name === "NotSupportedError" ? "unchecked" : "invalid";
  }
  return (await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, utf8(text))) ? "valid" : "invalid";
};

const ED25519 = 0x01;

/** A verifier key: name, id and typed key, joined by +. Undefined if the id is not that of the name and the key. */
const readKey = async (
  line: string,
): Promise<{ readonly name: string; readonly id: string; readonly bytes: Bytes } | undefined> => {
  const [name = "", id = "", ...rest] = line.split("+");
  const typed = bytesOfBase64(rest.join("+"));
  if (typed?.length !== 33 || typed[0] !== ED25519) return undefined;
  const made = hex((await sha256(utf8(`${name}\n`), typed)).slice(0, ID_BYTES));
  return made === id ? { name, id, bytes: typed.slice(1) } : undefined;
};
