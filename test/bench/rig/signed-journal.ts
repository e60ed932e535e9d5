/**
 * A journal as the gateway leaves it: lines with their checksums, leaf hashes, and at the end a signed checkpoint and
 * start state. Made without flushing.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { writeLine } from "../../../src/journal/entry-line.ts";
import { Batch } from "../../../src/journal/write/batch.ts";
import { signCheckpoint } from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { paths } from "../../../src/journal/paths.ts";
import { signState, stateText, type StateSigner } from "../../../src/journal/write/start-state.ts";
import { writeMicros } from "../../../src/journal/time.ts";
import { RecoveryScan } from "../../../src/journal/write/recovery/recovery-scan.ts";
import { createTree, digestBytes, type Digest } from "../../../src/journal/integrity/merkle-tree.ts";
import { entriesOf } from "./synthetic-journal.ts";

const SEGMENT_BYTES = 64 << 20;
const GROUP_BYTES = 1 << 20;
const BEGIN_MICROS = Date.parse("2026-11-01T00:00:00Z") * 1000;

/** At least so many entries, over a month from `begin` on (microseconds since 1970). Returns their number. */
export const writeSignedJournal = (
  dir: string,
  entries: number,
  numbers: number,
  signer: StateSigner,
  begin = BEGIN_MICROS,
): number => {
  const at = paths(dir);
  for (const folder of [at.segments, at.checkpoints, at.states]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [tree, trail, between] = [createTree(), new RecoveryScan(), (30 * 86_400_000_000) / entries];
  let [index, segments, segment, bytes, leaf] = [0, 0, 0, SEGMENT_BYTES, "" as Digest];
  let files: readonly [lines: number, hashes: number] | undefined;
  const group = new Batch();
  const spill = (): void => {
    writeSync(files![0], group.bytes);
    writeSync(files![1], Buffer.concat(group.leaves.map(digestBytes)));
    bytes += group.length;
    group.empty();
  };
  for (let request = 0; index < entries; request++) {
    if (bytes + group.length >= SEGMENT_BYTES) {
      if (files) {
        spill();
        files.forEach(closeSync);
      }
      files = [openSync(at.segment(index), "w", 0o600), openSync(at.leaves(index), "w", 0o600)];
      [segment, bytes] = [index, 0];
      segments++;
    }
    for (const entry of entriesOf(request, numbers)) {
      const given = trail.given(entry, index, Date.now);
      const micros = begin + Math.floor(index * between);
      group.add(given, writeLine(index, writeMicros(micros), given), micros);
      leaf = group.leaves.at(-1)!;
      tree.append(leaf);
      trail.take(given, index++);
    }
    if (group.length >= GROUP_BYTES) spill();
  }
  spill();
  files!.forEach(closeSync);
  writeFileSync(
    at.checkpoint(index),
    signCheckpoint({ origin: signer.origin, size: index, root: digestBytes(tree.root()) }, signer.key),
    { mode: 0o600 },
  );
  writeFileSync(
    at.state(index),
    signState(
      stateText({ size: index, tree, leaf, segment, bytes, segments, trail, beside: {} }, signer.origin),
      signer,
    ),
    { mode: 0o600 },
  );
  return index;
};
