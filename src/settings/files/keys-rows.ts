/**
 * A fast reader for keys files in the format of `ocsgw keys create`, with one key per line. It needs a hundredth of the
 * time and memory of the YAML library, which reads files in other formats.
 */

/** `hash`: `sha256:` and the hexadecimal digest of the whole key. Times: milliseconds since 1970, or null for none. */
export type KeyRecord = {
  readonly id: string;
  readonly client: string;
  readonly hash: string;
  readonly created: number;
  readonly expires: number | null;
  readonly revoked: number | null;
  /** Names or DBIDs; null for all tenants of the client. */
  readonly tenants: readonly string[] | null;
};

/** Undefined if any line has another format: then the file must be read as YAML. */
export const readRows = (
  text: string,
): { readonly keys: readonly KeyRecord[]; readonly isEnded: boolean } | undefined => {
  const head = HEAD.exec(text);
  if (!head) return undefined;
  const keys: KeyRecord[] = [];
  let isEnded = false;
  for (let at = head[0].length; at < text.length;) {
    const end = text.indexOf("\n", at);
    // A last line without its line break may be truncated.
    if (end < 0) return undefined;
    const line = text.slice(at, end);
    at = end + 1;
    if (SILENT.test(line)) continue;
    if (isEnded) return undefined;
    if (line === "end: true") {
      isEnded = true;
      continue;
    }
    const key = readRow(line);
    if (!key) return undefined;
    keys.push(key);
  }
  return keys.length === 0 ? undefined : { keys, isEnded };
};

const COMMENT = String.raw`#[\x20-\x7e]*`;
const HEAD = new RegExp(String.raw`^(?: *(?:${COMMENT})?\n)*version: 1\nkeys:\n`);
/** An empty line or a comment. */
const SILENT = new RegExp(String.raw`^ *(?:${COMMENT})?$`);

const WORD = String.raw`"?[A-Za-z0-9][\w.-]{0,63}"?`;
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
const NAME = String.raw`(?:"[\w .-]+"|[A-Za-z](?:[\w -]*\w)?)`;
const ROW = new RegExp(
  String.raw`^  - \{ id: (${WORD}), client: (${WORD}), hash: (sha256:[0-9a-f]{64}), created: (${TIME})` +
    String.raw`(?:, expires: (${TIME}))?(?:, tenants: \[ (${NAME}(?:, ${NAME})*) \])?` +
    String.raw`(?:, revoked: (${TIME}))? \}(?: +${COMMENT})?$`,
);

const readRow = (line: string): KeyRecord | undefined => {
  const [, id, client, hash, created, expires, tenants, revoked] = ROW.exec(line) ?? [];
  if (id === undefined || client === undefined || hash === undefined || created === undefined) return undefined;
  const texts = [id, client, ...(tenants?.split(", ") ?? [])].map(textIn);
  const times = [created, expires, revoked].map((time) => (time === undefined ? null : momentOf(time)));
  if (!texts.every((text) => text !== undefined) || !times.every((time) => time !== undefined)) return undefined;
  const [ofKey, ofClient, ...names] = texts;
  const [from, until, end] = times;
  return {
    id: ofKey!,
    client: ofClient!,
    hash,
    created: from!,
    expires: until!,
    revoked: end!,
    tenants: tenants === undefined ? null : names,
  };
};

/** Unquoted words that YAML does not read as text. */
const NO_TEXT = /^(?:null|true|false|0x[0-9a-f]+|0o[0-7]+|[\d.]+(?:e[-+]?\d+)?)$/i;

/** The text of a word; undefined for an unclosed quote, and for a word that YAML may not read as text. */
const textIn = (written: string): string | undefined => {
  const [isOpened, isClosed] = [written.startsWith('"'), written.endsWith('"')];
  if (isOpened && isClosed && written.length > 2) return written.slice(1, -1);
  return isOpened || isClosed || NO_TEXT.test(written) ? undefined : written;
};

/** Milliseconds since 1970; undefined for a date that does not exist. */
const momentOf = (text: string): number | undefined => {
  const moment = Date.parse(text);
  return !Number.isNaN(moment) && new Date(moment).toISOString() === text.replace("Z", ".000Z") ? moment : undefined;
};
