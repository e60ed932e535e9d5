/**
 * Caches the last key set of an address in a file, for a gateway that starts while the address fails. An attacker could
 * write own keys into the file, so it is authenticated (HMAC-SHA-256) with a secret stored elsewhere, and contains its
 * issuer and address. An invalid file is rejected.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { lchown, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { reason } from "../../common/system-error.ts";
import { giveToOwner, makeFolders } from "../../common/file-owner.ts";

export type CachedKeySet = {
  readonly jwks: unknown;
  /** Milliseconds since 1970. */
  readonly fetchedAt: number;
};

/** Where key sets are cached. `secret`: 32 bytes or more, from outside the directory. */
export type KeySetCacheOptions = { readonly dir: string; readonly secret: Uint8Array };

/** `name`: the issuer's name in the settings; `issuer`: its URL; `address`: the URL of its keys. */
export type KeySetOrigin = { readonly name: string; readonly issuer: string; readonly address: string };

export type KeySetCache = {
  /** Resolves to undefined without a file, or to a text that says why the file is rejected. */
  readonly read: () => Promise<CachedKeySet | string | undefined>;
  /** Rejects when the file cannot be written. */
  readonly write: (keySet: CachedKeySet) => Promise<void>;
};

const MOST_BYTES = 1 << 20;

/** The file has two lines: the set with its origin, as JSON, and the HMAC of the first line in hexadecimal digits. */
export const createKeySetCache = (
  { dir, secret }: KeySetCacheOptions,
  { name, issuer, address }: KeySetOrigin,
): KeySetCache => {
  const file = join(dir, `${name}.json`);
  const macOf = (line: string): Buffer => createHmac("sha256", secret).update(line).digest();
  return {
    read: async () => {
      const text = await readSmallFile(file, MOST_BYTES).catch((error: NodeJS.ErrnoException) =>
        error.code === "ENOENT" ? undefined : error,
      );
      if (text === undefined) return undefined;
      if (text instanceof Error) return `${file} cannot be read: ${reason(text)}`;
      const [line = "", mac = "", rest] = text.split("\n");
      if (rest !== "" || !/^[0-9a-f]{64}$/.test(mac))
        return `${file} is not authenticated: an earlier version of the gateway wrote it, or another program`;
      if (!timingSafeEqual(Buffer.from(mac, "hex"), macOf(line)))
        return `${file} does not verify: it was changed, or written with another checkpoint key`;
      return parseLine(line, { file, name, issuer, address });
    },
    write: async ({ jwks, fetchedAt }) => {
      const line = JSON.stringify({ name, issuer, uri: address, fetched: new Date(fetchedAt).toISOString(), jwks });
      await makeFolders(dirname(file));
      // A new file: a link in its place must not be followed.
      await rm(`${file}.new`, { force: true, recursive: true });
      await writeFile(`${file}.new`, `${line}\n${macOf(line).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
      await giveToOwner(file, (uid, gid) => lchown(`${file}.new`, uid, gid));
      await rename(`${file}.new`, file);
    },
  };
};

type Read = {
  readonly name?: unknown;
  readonly issuer?: unknown;
  readonly uri?: unknown;
  readonly fetched?: unknown;
  readonly jwks?: unknown;
};

/** Reads an authenticated line, which may have been written for another issuer. */
const parseLine = (
  line: string,
  { file, name, issuer, address }: KeySetOrigin & { readonly file: string },
): CachedKeySet | string => {
  const read = JSON.parse(line) as Read;
  const other = (
    [
      ["issuer", read.name, name],
      ["issuer URL", read.issuer, issuer],
      ["address", read.uri, address],
    ] as const
  ).find(([, found, wanted]) => found !== wanted);
  if (other) return `${file} belongs to another ${other[0]}`;
  const fetchedAt = typeof read.fetched === "string" ? Date.parse(read.fetched) : Number.NaN;
  return Number.isNaN(fetchedAt) ? `${file} does not say when its keys were fetched` : { jwks: read.jwks, fetchedAt };
};
