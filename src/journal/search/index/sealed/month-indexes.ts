/** The files of all months: which one has a segment, and what they say of many segments. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Expression } from "../filter.ts";
import { writeMicros } from "../time.ts";
import type { Count } from "./count.ts";
import { Month } from "./month.ts";
import { facetCounter, mayFit, type Row } from "./prune.ts";
import type { Folders } from "./sealed.ts";
import { isDatabaseFault, removeDatabase } from "./schema.ts";
import type { Extent, SegmentIndex } from "./segment.ts";
import type { Summary } from "./summary.ts";
import { makeFoldersNow } from "../../file-owner.ts";

const NAME = /^(\d{4}-\d{2})\.month\.sqlite$/;

export class Months {
  readonly #folders: Folders;
  /** By path. */
  readonly #open = new Map<string, Month>();
  /** By the first index of a segment. */
  #of = new Map<number, Month>();

  constructor(folders: Folders) {
    this.#folders = folders;
  }

  /** Looks at what is there now. */
  refresh(): void {
    const { write, read } = this.#folders;
    const paths = new Map([
      ...(read === undefined ? [] : namesIn(read).map((name) => [join(read, name), true] as const)),
      ...namesIn(write).map((name) => [join(write, name), false] as const),
    ]);
    for (const [path, month] of this.#open) {
      if (paths.has(path) && !month.isGone) continue;
      month.close();
      this.#open.delete(path);
    }
    this.#of = new Map();
    // What was made here stands before what is only read.
    for (const [path, readOnly] of paths)
      for (const first of this.#firstsIn(path, readOnly)) this.#of.set(first, this.#open.get(path)!);
  }

  has(first: number): boolean {
    return this.#of.has(first);
  }

  summaryOf(extent: Extent): Summary | undefined {
    return this.#trusting(extent.first, (month) => month.summaryOf(extent));
  }

  /** Of these segments, ascending, those in which something may fit; also those of which nothing is known. */
  mayFit(extents: readonly Extent[], expression: Expression): readonly Extent[] {
    const { unknown, months } = this.#rowsOf(extents);
    const found = new Set(unknown);
    for (const [month, rows] of months)
      for (const { extent } of this.#all(month, rows, () => mayFit(month, rows, expression))) found.add(extent);
    return extents.filter((extent) => found.has(extent));
  }

  /** How many stories fit by their facets alone; `left`: segments of which that does not tell. */
  count(extents: readonly Extent[], expression: Expression): Count & { readonly left: readonly Extent[] } {
    const { unknown, months } = this.#rowsOf(extents);
    let [count, refused] = [0, 0];
    const left: Extent[] = [...unknown];
    for (const [month, rows] of months) {
      const counted = facetCounter(month.facets, expression);
      for (const { extent, summary } of rows) {
        const found = counted(summary);
        if (!found) left.push(extent);
        else [count, refused] = [count + found.count, refused + found.refused];
      }
    }
    return { count, refused, left };
  }

  /** A file that is damaged is made again with this segment's row alone; who lacks the others adds them. */
  add(index: SegmentIndex): void {
    const { write } = this.#folders;
    makeFoldersNow(write);
    const path = join(write, `${monthOf(index.time)}.month.sqlite`);
    try {
      this.#addTo(path, index);
    } catch (error) {
      if (!isDatabaseFault(error)) throw error;
      const month = this.#open.get(path);
      if (month) this.#distrust(month);
      removeDatabase(path);
      this.#addTo(path, index);
    }
  }

  /** What belongs to segments before this one, and to none that is there. */
  forget(below: number): void {
    for (const [path, month] of this.#open) {
      if (month.isReadOnly) continue;
      const firsts = this.#firstsIn(path, false);
      if (!this.#open.has(path)) continue;
      if (firsts.every((first) => first >= below) && firsts.length > 0) continue;
      if (firsts.some((first) => first >= below)) month.forget(below);
      else {
        month.remove();
        this.#open.delete(path);
      }
    }
    this.refresh();
  }

  close(): void {
    for (const month of this.#open.values()) month.close();
    this.#open.clear();
    this.#of.clear();
  }

  #addTo(path: string, index: SegmentIndex): void {
    const month = this.#open.get(path) ?? new Month(path, { readOnly: false });
    this.#open.set(path, month);
    month.add(index);
    this.#of.set(index.first, month);
  }

  #firstsIn(path: string, readOnly: boolean): readonly number[] {
    try {
      const month = this.#open.get(path) ?? new Month(path, { readOnly });
      this.#open.set(path, month);
      return month.firsts();
    } catch (error) {
      if (!isDatabaseFault(error)) throw error;
      this.#drop(path);
      return [];
    }
  }

  #rowsOf(extents: readonly Extent[]): {
    readonly unknown: readonly Extent[];
    readonly months: ReadonlyMap<Month, Row[]>;
  } {
    const unknown: Extent[] = [];
    const months = new Map<Month, Row[]>();
    for (const extent of extents) {
      const summary = this.summaryOf(extent);
      const month = this.#of.get(extent.first);
      if (!summary || !month) {
        unknown.push(extent);
        continue;
      }
      const rows = months.get(month) ?? [];
      rows.push({ extent, summary });
      months.set(month, rows);
    }
    return { unknown, months };
  }

  #all(month: Month, rows: readonly Row[], look: () => readonly Row[]): readonly Row[] {
    try {
      return look();
    } catch (error) {
      if (!isDatabaseFault(error)) throw error;
      this.#distrust(month);
      return rows;
    }
  }

  #trusting<Found>(first: number, look: (month: Month) => Found): Found | undefined {
    const month = this.#of.get(first);
    try {
      return month && look(month);
    } catch (error) {
      if (!isDatabaseFault(error)) throw error;
      this.#distrust(month!);
      return undefined;
    }
  }

  #distrust(month: Month): void {
    for (const [path, each] of this.#open) if (each === month) this.#drop(path);
    for (const [first, each] of this.#of) if (each === month) this.#of.delete(first);
  }

  /** A damaged one is made again by whoever may write. */
  #drop(path: string): void {
    const month = this.#open.get(path);
    this.#open.delete(path);
    if (month && !month.isReadOnly) month.remove();
    else month?.close();
  }
}

const namesIn = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => NAME.test(name))
        .toSorted()
    : [];

const monthOf = (micros: number): string =>
  Number.isNaN(micros) ? "0000-00" : writeMicros(micros).slice(0, "2026-11".length);
