/** Suggests the known name that is nearest to a misspelled one. */

/** The number of edits between two texts: insert, delete, replace, swap two neighbours (Damerau-Levenshtein). */
export const editDistance = (from: string, to: string): number => {
  let before: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const edits = [at(above, column) + 1, at(current, column - 1) + 1, at(above, column - 1) + (same ? 0 : 1)];
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1])
        edits.push(at(before, column - 2) + 1);
      current.push(Math.min(...edits));
    }
    [before, above] = [above, current];
  }
  return at(above, to.length);
};

const at = (row: readonly number[], index: number): number => row[index] as number;

/** The nearest known name, ignoring case; undefined when more than a third of the length differs. */
export const nearest = (name: string, known: Iterable<string>): string | undefined => {
  const wanted = name.slice(0, 100).toLowerCase();
  const ranked = [...known]
    // A different length alone may be too many edits; clients choose the name, and must not choose the cost.
    .filter((each) => Math.abs(wanted.length - Math.min(each.length, 100)) <= mostEdits(wanted, each))
    .map((each) => ({ each, distance: editDistance(wanted, each.slice(0, 100).toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= mostEdits(wanted, best.each) ? best.each : undefined;
};

const mostEdits = (wanted: string, known: string): number =>
  Math.max(1, Math.floor(Math.max(wanted.length, known.length) / 3));

/** "did you mean `x`?", or the known names if there are at most 24. */
export const suggest = (name: string, known: readonly string[]): string | undefined => {
  const near = nearest(name, known);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  return known.length > 0 && known.length <= 24 ? `known: ${known.join(", ")}` : undefined;
};
