/**
 * Compares what a segment contained with what it contains now. Keys are leaf hashes if a signed root proves them,
 * otherwise the indexes that the lines themselves state.
 */

/** A line as it is now. `declared`: the index that the line itself states. */
export type CurrentLine = { readonly key: string; readonly declared: number | undefined; readonly partial: boolean };

export type Difference =
  | { readonly kind: "changed" | "cut-off"; readonly line: number; readonly index: number }
  | { readonly kind: "inserted"; readonly line: number; readonly copyOf: number | undefined }
  | {
      readonly kind: "removed";
      readonly from: number;
      readonly to: number;
      readonly line: number;
      readonly atEnd: boolean;
    }
  | { readonly kind: "swapped"; readonly lines: readonly [number, number]; readonly indexes: readonly [number, number] }
  | { readonly kind: "moved"; readonly line: number; readonly index: number };

/** Lines count from 1. `first` is the index of the first expected key. */
export const differences = (
  expected: readonly string[],
  standing: readonly CurrentLine[],
  first: number,
): Difference[] => {
  const { assigned, missing, foreign } = assign(expected, standing, first);
  return [
    ...foreign.map(({ line, place }): Difference =>
      place === undefined
        ? { kind: "inserted", line, copyOf: undefined }
        : { kind: "inserted", line, copyOf: first + place },
    ),
    ...changes(standing, assigned, first),
    ...removals(missing, assigned, expected.length, first),
    ...moves(assigned, first),
  ].toSorted((left, right) => lineOf(left) - lineOf(right));
};

const lineOf = (difference: Difference): number =>
  difference.kind === "swapped" ? difference.lines[0] : difference.line;

/** A present line and the expected place that it fills: intact or changed. */
type Assigned = { readonly line: number; readonly place: number; readonly intact: boolean };
type Foreign = { readonly line: number; readonly place: number | undefined };

const assign = (expected: readonly string[], standing: readonly CurrentLine[], first: number) => {
  const places = new Map(expected.map((key, place) => [key, place]));
  const intact = new Map<number, number>();
  for (const [at, { key }] of standing.entries()) {
    const place = places.get(key);
    if (place !== undefined && !intact.has(place)) intact.set(place, at);
  }
  const missing = new Set([...expected.keys()].filter((place) => !intact.has(place)));
  const assigned: Assigned[] = [];
  const foreign: Foreign[] = [];
  for (const [at, { key, declared }] of standing.entries()) {
    const place = places.get(key);
    if (place !== undefined && intact.get(place) === at) assigned.push({ line: at + 1, place, intact: true });
    else {
      // A changed line still states its index; if that was changed too, it follows its neighbor.
      const filled =
        place !== undefined
          ? undefined
          : [declared === undefined ? -1 : declared - first, (assigned.at(-1)?.place ?? -1) + 1].find((candidate) =>
              missing.delete(candidate),
            );
      if (filled === undefined) foreign.push({ line: at + 1, place });
      else assigned.push({ line: at + 1, place: filled, intact: false });
    }
  }
  return { assigned, missing: [...missing], foreign };
};

const changes = (standing: readonly CurrentLine[], assigned: readonly Assigned[], first: number): Difference[] =>
  assigned
    .filter(({ intact }) => !intact)
    .map(({ line, place }) => ({
      kind: standing[line - 1]!.partial ? "cut-off" : "changed",
      line,
      index: first + place,
    }));

/** Adjacent missing lines are reported as one range. `line`: where they would be. */
const removals = (
  missing: readonly number[],
  assigned: readonly Assigned[],
  length: number,
  first: number,
): Difference[] => {
  const stretches: { from: number; to: number }[] = [];
  for (const place of missing) {
    const before = stretches.at(-1);
    if (before?.to === place - 1) before.to = place;
    else stretches.push({ from: place, to: place });
  }
  const lineBehind = new Map(assigned.map(({ line, place }) => [place, line]));
  return stretches.map(({ from, to }) => ({
    kind: "removed",
    from: first + from,
    to: first + to,
    line: (lineBehind.get(from - 1) ?? 0) + 1,
    atEnd: to === length - 1,
  }));
};

/** Lines that are all there but out of order. */
const moves = (assigned: readonly Assigned[], first: number): Difference[] => {
  const sorted = assigned.toSorted((left, right) => left.place - right.place);
  const displaced = assigned.filter((one, at) => sorted[at] !== one);
  const home = new Map(sorted.map((one, at) => [one, assigned[at]!]));
  if (displaced.every((one) => home.get(home.get(one)!) === one)) {
    return displaced
      .filter((one) => one.line < home.get(one)!.line)
      .map((one) => ({
        kind: "swapped",
        lines: [one.line, home.get(one)!.line],
        indexes: [first + one.place, first + home.get(one)!.place],
      }));
  }
  const staying = longestRising(assigned);
  return assigned
    .filter((one) => !staying.has(one))
    .map(({ line, place }) => ({ kind: "moved", line, index: first + place }));
};

/** The largest set of lines in ascending order; the others were moved. */
const longestRising = (assigned: readonly Assigned[]): ReadonlySet<Assigned> => {
  const ends: Assigned[] = [];
  const before = new Map<Assigned, Assigned | undefined>();
  for (const one of assigned) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]!.place < one.place) low = middle + 1;
      else high = middle;
    }
    before.set(one, ends[low - 1]);
    ends[low] = one;
  }
  const staying = new Set<Assigned>();
  for (let one = ends.at(-1); one; one = before.get(one)) staying.add(one);
  return staying;
};
