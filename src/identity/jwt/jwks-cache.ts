/**
 * The last good key set of an address, kept in a file, so that a gateway which starts while the address fails knows whom
 * to believe. A file that anybody else wrote would name keys of theirs, so it is authenticated (HMAC-SHA-256) with a
 * secret that lies elsewhere, and says for which issuer and address it is: one that does not verify is refused.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { lchown, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readSmallFile } from "../../small-file.ts";
import { reason } from "../../system-error.ts";
import { giveToOwner, makeFolders } from "../../file-owner.ts";

export type Kept = { readonly jwks: unknown; /** Milliseconds since 1970. */ readonly fetchedAt: number };

/** Where key sets are kept. `secret`: 32 bytes or more, from outside the directory. */
export type KeptKeys = { readonly dir: string; readonly secret: Uint8Array };

/** `name`: of the issuer in the settings; `issuer`: its URL; `address`: where its keys come from. */
export type CacheOf = { readonly name: string; readonly issuer: string; readonly address: string };

export type KeySetCache = {
  /** Undefined when there is none; a text says why there is one that must not be used. */
  readonly read: () => Promise<Kept | string | undefined>;
  /** Rejects when the file cannot be written. */
  readonly write: (kept: Kept) => Promise<void>;
};

const MOST_BYTES = 1 << 20;

/** Two lines: the set with what it is of, as JSON; and the HMAC of the first, 64 hexadecimal digits. */
export const createKeySetCache = ({ dir, secret }: KeptKeys, { name, issuer, address }: CacheOf): KeySetCache => {
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
        return `${file} is not authenticated: an earlier version wrote it, or somebody else`;
      if (!timingSafeEqual(Buffer.from(mac, "hex"), macOf(line)))
        return `${file} does not verify: it was changed, or written with another checkpoint key`;
      return keptIn(line, { file, name, issuer, address });
    },
    write: async ({ jwks, fetchedAt }) => {
      const line = JSON.stringify({ name, issuer, uri: address, fetched: new Date(fetchedAt).toISOString(), jwks });
      await makeFolders(dirname(file));
      // Made anew, so that no link in its place is written through.
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

/** What verified, we wrote ourselves: for this issuer, or for another one. */
const keptIn = (line: string, { file, name, issuer, address }: CacheOf & { readonly file: string }): Kept | string => {
  const read = JSON.parse(line) as Read;
  const other = (
    [
      ["issuer", read.name, name],
      ["issuer URL", read.issuer, issuer],
      ["address", read.uri, address],
    ] as const
  ).find(([, found, wanted]) => found !== wanted);
  if (other) return `${file} is of another ${other[0]}`;
  const fetchedAt = typeof read.fetched === "string" ? Date.parse(read.fetched) : Number.NaN;
  return Number.isNaN(fetchedAt) ? `${file} does not say when its keys were fetched` : { jwks: read.jwks, fetchedAt };
};
