/**
 * Rows of a keys file as `ocsgw keys create` writes them, one key on a line: read in a hundredth of the time and memory
 * that the YAML library needs. What is not certain to mean the same in YAML is left to that library.
 */
import type { KeyRecord } from "./keys-file.ts";

/** Undefined where the file is written in any other way, also where one row is: then it must be read as YAML. */
export const readRows = (
  text: string,
): { readonly keys: readonly KeyRecord[]; readonly isEnded: boolean } | undefined => {
  const head = HEAD.exec(text);
  if (!head) return undefined;
  const keys: KeyRecord[] = [];
  let isEnded = false;
  for (let at = head[0].length; at < text.length;) {
    const end = text.indexOf("\n", at);
    // Without its line break the last line may have been cut.
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
/** A comment, or nothing. */
const SILENT = new RegExp(String.raw`^ *(?:${COMMENT})?$`);

const WORD = String.raw`"?[A-Za-z0-9][\w.-]{0,63}"?`;
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
const NAME = String.raw`(?:"[\w .-]+"|[A-Za-z](?:[\w -]*\w)?)`;
const ROW = new RegExp(
  String.raw`^  - \{ id: (${WORD}), client: (${WORD}), hash: (sha256:[0-9a-f]{64}), created: (${TIME})` +
    String.raw`(?:, expires: (${TIME}))?(?:, tenants: \[ (${NAME}(?:, ${NAME})*) \])?(?:, revoked: (${TIME}))? \}(?: +${COMMENT})?$`,
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

/** Plain words that YAML takes for another kind of value than a text, and some more. */
const NO_TEXT = /^(?:null|true|false|0x[0-9a-f]+|0o[0-7]+|[\d.]+(?:e[-+]?\d+)?)$/i;

/** Undefined for a quote that is open, and for what may be no text. */
const textIn = (written: string): string | undefined => {
  const [isOpened, isClosed] = [written.startsWith('"'), written.endsWith('"')];
  if (isOpened && isClosed && written.length > 2) return written.slice(1, -1);
  return isOpened || isClosed || NO_TEXT.test(written) ? undefined : written;
};

/** Milliseconds since 1970; undefined for a day that no calendar has. */
const momentOf = (text: string): number | undefined => {
  const moment = Date.parse(text);
  return !Number.isNaN(moment) && new Date(moment).toISOString() === text.replace("Z", ".000Z") ? moment : undefined;
};
