/** Finds the lines of a sealed segment that retention may delete before the others. */
import { readWhole } from "../../disk.ts";
import type { Kind } from "../../entry.ts";
import { kindOf } from "../../entry-line.ts";
import { REQUEST_KINDS } from "../../kinds.ts";
import { DIGEST_BYTES, digestOf, leafHashWithin } from "../../integrity/merkle-tree.ts";
import type { Journal } from "../../journal.ts";
import { HANDLED } from "../../search/transaction.ts";
import { forEachLine } from "../../read/read-lines.ts";
import { paths } from "../../paths.ts";
import { numberIn } from "../../write/recovery/recovery-scan.ts";
import { DeletedLines, isDeletedLine, LEAST_LENGTH } from "./deleted-lines.ts";
import { HEAD, HEAD_BYTES, lineDamaged, millis } from "./due-segments.ts";
import { withSegment } from "../segment.ts";

/** A line: `length` bytes from byte `position` on, without its `\n`. */
export type Place = { readonly index: number; readonly position: number; readonly length: number };
export type PlaceOfKind = Place & { readonly kind: Kind };

/** Times in milliseconds since 1970. `beginning`: of the first line. */
export type LinesByKind = {
  readonly oldest: number;
  readonly youngest: number;
  readonly beginning: number;
  /** Lines that were deleted earlier. */
  readonly deleted: readonly Place[];
  readonly single: readonly PlaceOfKind[];
  /** By request id; undefined if one of its lines must stay. */
  readonly exchanges: ReadonlyMap<string, readonly PlaceOfKind[] | undefined>;
};

type Segment = { readonly first: number; readonly end: number; readonly kinds: readonly Kind[] };

/** Finds only lines of `kinds`. Throws SegmentDamaged when a line does not match its leaf hash. */
export const readLinesByKind = async (
  { disk, dir }: Pick<Journal, "disk" | "dir">,
  { first, end, kinds }: Segment,
): Promise<LinesByKind> => {
  const hashes = await readWhole(disk, paths(dir).leaves(first));
  const wanted = new Set<string>(kinds);
  const found = {
    oldest: Number.POSITIVE_INFINITY,
    youngest: Number.NEGATIVE_INFINITY,
    beginning: Number.NaN,
    deleted: [] as Place[],
    single: [] as PlaceOfKind[],
    exchanges: new Map<string, PlaceOfKind[] | undefined>(),
  };
  let [index, position] = [first, 0];
  await withSegment(disk, dir, first, (file) =>
    forEachLine(file, (bytes, start, lineEnd) => {
      const place = { index, position, length: lineEnd - start };
      const isEdge = index === first || index === end - 1;
      const at = (index - first) * DIGEST_BYTES;
      if (index >= end || at + DIGEST_BYTES > hashes.length) return false;
      if (isDeletedLine(bytes, start, lineEnd) && !isEdge) found.deleted.push(place);
      else {
        if (leafHashWithin(bytes, start, lineEnd) !== digestOf(hashes.subarray(at, at + DIGEST_BYTES))) return false;
        const head = bytes.toString("latin1", start, Math.min(lineEnd, start + HEAD_BYTES));
        const [, time, word] = HEAD.exec(head) ?? [];
        if (word === undefined) return false;
        const [kind, dated] = [kindOf(word) as Kind, millis(time)];
        if (index === first) found.beginning = dated;
        found.oldest = Math.min(found.oldest, dated);
        found.youngest = Math.max(found.youngest, dated);
        if (wanted.has(kind)) {
          const mayGo = !isEdge && place.length >= LEAST_LENGTH && !mustStay(bytes, start, lineEnd);
          if (REQUEST_KINDS.includes(kind))
            addToExchange(found.exchanges, idIn(bytes, start, lineEnd), { ...place, kind, mayGo });
          else if (mayGo) found.single.push({ ...place, kind });
        }
      }
      index++;
      position += place.length + 1;
      return true;
    }),
  );
  if (index !== end) throw lineDamaged(first, index);
  return found;
};

const DO_NOT_CALL = '"action":"DoNotCall"';
const NOTE = `"operation":${JSON.stringify(HANDLED)}`;

/** Lines about Do-Not-Calls stay: their numbers must have no gap, and nothing about an open one may be lost. */
const mustStay = (bytes: Buffer, start: number, end: number): boolean => {
  const line = bytes.subarray(start, end);
  return numberIn(bytes, start, end) !== undefined || line.includes(DO_NOT_CALL) || line.includes(NOTE);
};

const ID = /^\{"index":\d+,"time":"[^"]{27}","kind":"[a-z-]+","id":"([^"\\]*)"/;
const ID_BYTES = 256;

/** The request id at its fixed position; "" if it is not there. Lines with the id "" stay. */
const idIn = (bytes: Buffer, start: number, end: number): string =>
  ID.exec(bytes.toString("latin1", start, Math.min(end, start + ID_BYTES)))?.[1] ?? "";

const addToExchange = (
  exchanges: Map<string, PlaceOfKind[] | undefined>,
  id: string,
  { mayGo, ...place }: PlaceOfKind & { readonly mayGo: boolean },
): void => {
  const known = exchanges.get(id);
  if (!mayGo || id === "" || (exchanges.has(id) && !known)) exchanges.set(id, undefined);
  else exchanges.set(id, [...(known ?? []), place]);
};

/** The lines of these kinds to delete; of a request all lines, if an intent and an end are among them. */
export const chosenIn = ({ single, exchanges }: LinesByKind, kinds: readonly Kind[]): readonly PlaceOfKind[] => {
  const areExchanges = REQUEST_KINDS.every((kind) => kinds.includes(kind));
  return [
    ...single.filter(({ kind }) => kinds.includes(kind)),
    ...(areExchanges ? [...exchanges.values()] : []).flatMap((lines) =>
      lines && lines.length > 1 && lines.filter(({ kind }) => kind === "intent").length === 1 ? lines : [],
    ),
  ];
};

/** The SHA-256, in hex, of ascending indexes, as in a `deleted` entry. */
export const sumOf = (indexes: readonly number[]): string => {
  const lines = new DeletedLines();
  for (const index of indexes) lines.add(index);
  return lines.sha256;
};
