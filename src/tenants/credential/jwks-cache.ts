/** The last good key set of an address, kept in a file, so that a gateway which starts while the address fails knows whom to believe. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

export type Kept = { readonly jwks: unknown; /** Milliseconds since 1970. */ readonly fetchedAt: number };

export type KeySetCache = {
  /** Undefined when there is none of this address that can be read. */
  readonly read: () => Promise<Kept | undefined>;
  /** Rejects when the file cannot be written. */
  readonly write: (kept: Kept) => Promise<void>;
};

/** One file for one issuer. It names the address: with another one in the settings it says nothing. */
export const createKeySetCache = (file: string, address: string): KeySetCache => ({
  read: async () => {
    try {
      const { uri, fetched, jwks } = JSON.parse(await readFile(file, "utf8")) as { readonly uri?: unknown; readonly fetched?: unknown; readonly jwks?: unknown };
      const fetchedAt = typeof fetched === "string" ? Date.parse(fetched) : Number.NaN;
      return uri === address && !Number.isNaN(fetchedAt) ? { jwks, fetchedAt } : undefined;
    } catch {
      return undefined;
    }
  },
  write: async ({ jwks, fetchedAt }) => {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, `${JSON.stringify({ uri: address, fetched: new Date(fetchedAt).toISOString(), jwks })}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  },
});
