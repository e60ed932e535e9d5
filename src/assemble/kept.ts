/**
 * What a reading leaves for the next one, in memory that threads share: the texts in force, what was parsed of them, and
 * a digest of each tenant and key. So the thread that serves holds it and never reads it, an unchanged file is not parsed
 * again, and of ten thousand tenants only those that changed come over.
 */
import { hash } from "node:crypto";
import type { ConfigText, Memory } from "../settings/load.ts";

export type Kept = SharedArrayBuffer;

export type Content = {
  readonly text: ConfigText;
  /** By the hash of a file's text. */
  readonly parsed: readonly (readonly [hash: string, value: unknown])[];
  readonly ended: readonly string[];
  readonly pieces: readonly (readonly [path: string, count: number])[];
  readonly tenants: readonly string[];
  readonly keys: readonly string[];
};

export const pack = (content: Content): Kept => {
  const bytes = Buffer.from(JSON.stringify(content));
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
};

export const unpack = (kept: Kept): Content => JSON.parse(Buffer.from(new Uint8Array(kept)).toString()) as Content;

/** `known`: what was parsed before. */
export const remembering = (known: Content["parsed"]): Memory & { readonly parsed: ReadonlyMap<string, unknown> } => {
  const before = new Map(known);
  const parsed = new Map<string, unknown>();
  return { recall: (of) => before.get(of), keep: (of, value) => void parsed.set(of, value), parsed };
};

/** `bytes`: about so many it has. */
export type Digested = { readonly digest: string; readonly bytes: number };

export const digested = (value: unknown): Digested => {
  const text = JSON.stringify(value);
  return { digest: hash("sha256", text, "base64url").slice(0, 22), bytes: text.length };
};
