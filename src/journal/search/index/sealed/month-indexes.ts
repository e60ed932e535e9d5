/** All months' files: which file has a segment, and which segments may match a filter. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Expression } from "../../filter/keys.ts";
import { writeMicros } from "../../../time.ts";
import type { Count } from "../count.ts";
import { MonthIndex } from "./month-index.ts";
import { countByFacets, mayFit, type Row } from "./segment-selection.ts";
import type { Folders } from "./sealed-indexes.ts";
import { isDatabaseFault, removeDatabase } from "../schema.ts";
import type { Extent } from "../../../segments/segment-list.ts";
import type { SegmentIndex } from "./segment-index.ts";
import type { Summary } from "./segment-summary.ts";
import { makeFoldersNow } from "../../../../common/file-owner.ts";

const NAME = /^(\d{4}-\d{2})\.month\.sqlite$/;

export class MonthIndexes {
  readonly #folders: Folders;
  /** By path. */
  readonly #open = new Map<string, MonthIndex>();
  /** By the first index of the segment. */
  #of = new Map<number, MonthIndex>();

  constructor(folders: Folders) {
    this.#folders = folders;
  }

  /** Opens and closes files as they have appeared and disappeared. */
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
    // Files of this process take precedence over read-only ones.
    for (const [path, readOnly] of paths)
      for (const first of this.#firstsIn(path, readOnly)) this.#of.set(first, this.#open.get(path)!);
  }

  has(first: number): boolean {
    return this.#of.has(first);
  }

  summaryOf(extent: Extent): Summary | undefined {
    return this.#trusting(extent.first, (month) => month.summaryOf(extent));
  }

  /** The segments that may have matches, ascending; includes unknown segments. */
  mayFit(extents: readonly Extent[], expression: Expression): readonly Extent[] {
    const { unknown, months } = this.#rowsOf(extents);
    const found = new Set(unknown);
    for (const [month, rows] of months)
      for (const { extent } of this.#all(month, rows, () => mayFit(month, rows, expression))) found.add(extent);
    return extents.filter((extent) => found.has(extent));
  }

  /** Counts matches by facets. `left`: segments that facets alone cannot count. */
  count(extents: readonly Extent[], expression: Expression): Count & { readonly left: readonly Extent[] } {
    const { unknown, months } = this.#rowsOf(extents);
    let [count, refused] = [0, 0];
    const left: Extent[] = [...unknown];
    for (const [month, rows] of months) {
      const found = countByFacets(month, rows, expression);
      [count, refused] = [count + found.count, refused + found.refused];
      left.push(...found.left);
    }
    return { count, refused, left };
  }

  /** Replaces a damaged file by one with this segment only; the others are added again when they are missing. */
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

  /** Removes rows and files of deleted segments. */
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
    const month = this.#open.get(path) ?? new MonthIndex(path, { readOnly: false });
    this.#open.set(path, month);
    month.add(index);
    this.#of.set(index.first, month);
  }

  #firstsIn(path: string, readOnly: boolean): readonly number[] {
    try {
      const month = this.#open.get(path) ?? new MonthIndex(path, { readOnly });
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
    readonly months: ReadonlyMap<MonthIndex, Row[]>;
  } {
    const unknown: Extent[] = [];
    const months = new Map<MonthIndex, Row[]>();
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

  #all(month: MonthIndex, rows: readonly Row[], look: () => readonly Row[]): readonly Row[] {
    try {
      return look();
    } catch (error) {
      if (!isDatabaseFault(error)) throw error;
      this.#distrust(month);
      return rows;
    }
  }

  #trusting<Found>(first: number, look: (month: MonthIndex) => Found): Found | undefined {
    const month = this.#of.get(first);
    try {
      return month && look(month);
    } catch (error) {
      if (!isDatabaseFault(error)) throw error;
      this.#distrust(month!);
      return undefined;
    }
  }

  #distrust(month: MonthIndex): void {
    for (const [path, each] of this.#open) if (each === month) this.#drop(path);
    for (const [first, each] of this.#of) if (each === month) this.#of.delete(first);
  }

  /** Deletes a damaged file, unless it is read-only, so that it is built again. */
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
