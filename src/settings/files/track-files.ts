/** Records which files are read while a config is loaded, with their hashes. */
import { dirname, resolve } from "node:path";
import { readAdmins, type AdminRecord } from "./admins-file.ts";
import { sha256 } from "./config-text.ts";
import { readKeys } from "./keys-file.ts";
import type { KeyRecord } from "./keys-rows.ts";
import type { Origin } from "./origin.ts";

/** An Origin that records every file that is read through it. */
export class TrackedFiles {
  /** Absolute path → SHA-256 of the content; undefined for an unreadable file. */
  readonly files = new Map<string, string | undefined>();
  /** Absolute path → the number of certificates, revocation lists and keys in the file, if it has any. */
  readonly pieces = new Map<string, number>();
  /** The files of keys and users that were read, and those of them whose last key is `end: true`. */
  readonly lists = new Set<string>();
  readonly ended = new Set<string>();
  readonly origin: Origin;
  readonly listed: { keys: readonly KeyRecord[] | undefined; admins: readonly AdminRecord[] | undefined } = {
    keys: undefined,
    admins: undefined,
  };

  constructor(given: Origin) {
    const folder = dirname(given.file);
    this.origin = {
      ...given,
      readFile: (path) => {
        const at = resolve(folder, path);
        this.files.set(at, undefined);
        const text = given.readFile(path);
        this.files.set(at, sha256(text));
        const pieces = text.split(PIECE).length - 1;
        if (pieces > 0) this.pieces.set(at, pieces);
        return text;
      },
      readKeys: (text, path) => {
        const read = readKeys(text, path);
        this.#note(resolve(folder, path), read);
        this.listed.keys = read.ok ? read.keys : undefined;
        return read;
      },
      readAdmins: (text, path, tenants) => {
        const read = readAdmins(text, path, tenants);
        this.#note(resolve(folder, path), read);
        this.listed.admins = read.ok ? read.admins : undefined;
        return read;
      },
    };
  }

  #note(file: string, read: { readonly ok: boolean; readonly isEnded?: boolean }): void {
    this.lists.add(file);
    if (read.ok && read.isEnded === true) this.ended.add(file);
  }
}

/** Matches the start of a PEM block, and the type of a key in a JSON key set. */
const PIECE = /-----BEGIN |"kty"/;
