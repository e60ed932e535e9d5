/** The entries of a bundle: whether each leads to the root of the checkpoint, and what they say about Do-Not-Calls. */
import { join } from "node:path";
import { FILES, linesOf, parse } from "./bundle-files.mjs";
import { leafHash, LONGEST_PATH, rootFrom } from "./bundle-tree.mjs";

export const tenantOf = ({ dbid, upstream }) => `tenant ${dbid}${upstream === undefined ? "" : ` of ${upstream}`}`;

/** Collects, over all proved entries, what they say about requests and Do-Not-Calls. */
class EntrySummary {
  events = 0;
  proved = 0;
  seen = new Set();
  open = new Map();
  /** Numbers of Do-Not-Calls by sequence. A sequence is `<upstream>/<DBID>` of a tenant; in format 1 only the DBID. */
  numbers = new Map();
  /** By sequence: the last number, as the entry about this export states it. */
  said = undefined;
  /** By sequence: the last number among entries that retention deleted. */
  retired = {};
  /**
   * How many entries of the journal enough witnesses cosigned; how many entries here come later, and the first of them.
   */
  cosigned = 0;
  behind = { count: 0, first: Number.POSITIVE_INFINITY };

  /** Only for proved entries. */
  take(entry) {
    // The record of the export is always newer than what witnesses have cosigned.
    if (entry.index >= this.cosigned && !(entry.kind === "access" && entry.operation === "export"))
      this.behind = { count: this.behind.count + 1, first: Math.min(this.behind.first, entry.index) };
    if (entry.kind === "intent") this.open.set(entry.id, entry.index);
    else if (typeof entry.id === "string") this.open.delete(entry.id);
    if (Number.isSafeInteger(entry.dnc) && entry.tenant)
      this.number(entry.dnc_sequence ?? String(entry.tenant.dbid), entry.dnc);
    if (entry.kind === "access" && entry.operation === "export" && entry.dnc)
      this.said = { index: entry.index, last: entry.dnc };
    if (["deleted", "retired"].includes(entry.kind) && entry.dnc) this.retired = entry.dnc;
  }

  number(sequence, number) {
    const numbers = this.numbers.get(sequence);
    if (numbers) numbers.push(number);
    else this.numbers.set(sequence, [number]);
  }

  sequences(finding) {
    return [...this.numbers].map(([sequence, numbers]) => {
      const [dbid, upstream] = sequence.split("/").reverse();
      const sorted = numbers.sort((one, other) => one - other);
      for (const [at, number] of sorted.entries())
        if (at > 0 && number === sorted[at - 1])
          finding(`Do-Not-Call ${number} of ${tenantOf({ dbid, upstream })} occurs twice`);
      const [first, last] = [sorted[0], sorted.at(-1)];
      const missing = last - first + 1 - new Set(sorted).size;
      const said = this.said?.last[sequence];
      const complete = missing === 0 && said === last && (first === 1 || first === (this.retired[sequence] ?? 0) + 1);
      return { dbid: Number(dbid), upstream, first, last, missing, said, complete };
    });
  }
}

export const checkEvents = async (dir, { size, root }, { finding, cosigned }) => {
  const summary = Object.assign(new EntrySummary(), { cosigned });
  const proofs = linesOf(join(dir, FILES.proofs));
  for await (const line of linesOf(join(dir, FILES.events))) {
    const where = `line ${++summary.events} of ${FILES.events}`;
    const proof = parse((await proofs.next()).value);
    const entry = parse(line);
    if (!entry || !Number.isSafeInteger(entry.index)) {
      finding(`${where} is not an entry`);
      continue;
    }
    if (summary.seen.has(entry.index)) finding(`${where}: index ${entry.index} occurs twice`);
    else if (entry.index < size) summary.seen.add(entry.index);
    const path = Array.isArray(proof?.path)
      ? proof.path.slice(0, LONGEST_PATH).map((each) => Buffer.from(String(each), "hex"))
      : [];
    if (proof?.index !== entry.index || !rootFrom(leafHash(line), entry.index, size, path)?.equals(root)) {
      finding(
        `${where} (index ${entry.index}) does not lead to the root of checkpoint ${size}: it or its proof was changed`,
      );
      continue;
    }
    summary.proved++;
    summary.take(entry);
  }
  if (!(await proofs.next()).done) finding(`${FILES.proofs} has more lines than ${FILES.events}: an entry was removed`);
  return summary;
};
