/**
 * What one reading leaves for the next, in memory that threads share: the texts in force, the values parsed from them,
 * and a digest of each tenant and key. The main thread keeps this data without reading it, an unchanged file is not
 * parsed again, and only the tenants that changed are sent to the main thread.
 */
import { hash } from "node:crypto";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { ConfigText, ParseCache } from "../../settings/load.ts";

/** `packed`: compressed JSON, because only the next reading needs most of it. `bytes`: its uncompressed size. */
export type PackedContent = { readonly packed: SharedArrayBuffer; readonly bytes: number };

export type Content = {
  readonly text: ConfigText;
  /** Parsed values by the hash of their file's text. */
  readonly parsed: readonly (readonly [hash: string, value: unknown])[];
  readonly ended: readonly string[];
  readonly pieces: readonly (readonly [path: string, count: number])[];
  readonly tenants: readonly string[];
  readonly keys: readonly string[];
};

/** With ten thousand tenants this leaves a twentieth of the bytes and takes about 50 ms of CPU. */
const FASTEST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export const pack = (content: Content): PackedContent => {
  const text = Buffer.from(JSON.stringify(content));
  const bytes = zstdCompressSync(text, FASTEST);
  const packed = new SharedArrayBuffer(bytes.length);
  new Uint8Array(packed).set(bytes);
  return { packed, bytes: text.length };
};

export const unpack = ({ packed }: PackedContent): Content =>
  JSON.parse(zstdDecompressSync(new Uint8Array(packed)).toString()) as Content;

/** `known`: values that earlier readings parsed, by text hash. `parsed`: the values of this reading. */
export const parseCacheOf = (
  known: Content["parsed"],
): ParseCache & { readonly parsed: ReadonlyMap<string, unknown> } => {
  const before = new Map(known);
  const parsed = new Map<string, unknown>();
  return { get: (of) => before.get(of), set: (of, value) => void parsed.set(of, value), parsed };
};

/** `bytes`: approximate size of the value as JSON. */
export type ItemDigest = { readonly digest: string; readonly bytes: number };

/** The digest has 22 characters of a SHA-256 in base64url, 132 bits. */
export const digestOf = (value: unknown): ItemDigest => {
  const text = JSON.stringify(value);
  return { digest: hash("sha256", text, "base64url").slice(0, 22), bytes: text.length };
};
