/** What a read-only command knows of the index keys: an unreadable secret is replaced by a text with the reason. */
import type { Settings } from "./schema/schema.ts";

type IndexKeys = Settings["audit"]["index_key"];

const WITHHELD = "\u0000withheld from the user of this command: ";

/** The replacement for the secret. `why`: for example "cannot read the file index.key: not permitted". */
export const withhold = (why: string): string => `${WITHHELD}${why}`;

const whyIn = (secret: string): string | undefined =>
  secret.startsWith(WITHHELD) ? secret.slice(WITHHELD.length) : undefined;

/** `keys`: undefined if none is readable. `why`: the reason for each unreadable key. */
export type Readable = { readonly keys: IndexKeys | undefined; readonly why: readonly string[] };

export const readableKeys = (keys: IndexKeys): Readable => {
  if (typeof keys === "string") {
    const why = whyIn(keys);
    return why === undefined ? { keys, why: [] } : { keys: undefined, why: [`audit.index_key: ${why}`] };
  }
  const held = keys.filter(({ secret }) => whyIn(secret) === undefined);
  const why = keys.flatMap(({ epoch, secret }) => {
    const reason = whyIn(secret);
    return reason === undefined ? [] : [`audit.index_key, epoch ${epoch}: ${reason}`];
  });
  return { keys: held.length === 0 ? undefined : held, why };
};
