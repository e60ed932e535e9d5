/**
 * Carries an edit over to the text that people wrote. The YAML library prints a whole document in a layout of its own,
 * so an edit of one line would change many; only the lines that the edit itself changed are taken from it.
 */
import { diffArrays } from "diff";

/** Lines [from, to) of the first text are replaced by `lines`. */
type Change = { readonly from: number; readonly to: number; readonly lines: readonly string[] };

/** `size` lines from `left` of the first text are those from `right` of the second. */
type Same = { readonly left: number; readonly right: number; readonly size: number };

/**
 * `written`: the text before the edit. `printed`: the same as the library prints it. `edited`: the edited document as
 * the library prints it. Returns the edited text in the layout of `written`.
 */
export const keepLayout = (written: string, printed: string, edited: string): string => {
  if (written === printed) return edited;
  const [original, base, wanted] = [written, printed, edited].map((text) => text.split("\n")) as [
    string[],
    string[],
    string[],
  ];
  const same = sameLines(base, original);
  const out: string[] = [];
  let at = 0;
  for (const { from, to, changes } of widened(changesOf(base, wanted), base.length, same)) {
    // Lines of the written text alone may stand at the boundary: those before the change and after it stay.
    const start = placeOf(
      same.findLast(({ left, size }) => from >= left && from <= left + size),
      from,
      original,
    );
    const end = placeOf(
      same.find(({ left, size }) => to >= left && to <= left + size),
      to,
      original,
    );
    out.push(...original.slice(at, start), ...applied(base, { from, to, changes }));
    at = Math.max(start, end);
  }
  return [...out, ...original.slice(at)].join("\n");
};

const changesOf = (before: readonly string[], after: readonly string[]): readonly Change[] => {
  const changes: Change[] = [];
  let at = 0;
  let open: { from: number; lines: string[] } | undefined;
  const close = (): void => {
    if (open) changes.push({ ...open, to: at });
    open = undefined;
  };
  for (const { added, removed, value } of diffArrays([...before], [...after])) {
    if (!added && !removed) close();
    else open ??= { from: at, lines: [] };
    if (added) open!.lines.push(...value);
    else at += value.length;
  }
  close();
  return changes;
};

/** Without white space, which is most of a layout. Blank lines are alike everywhere, so they do not tell a place. */
const isSame = (left: string, right: string): boolean => {
  const [a, b] = [left, right].map((line) => line.replaceAll(/\s+/g, ""));
  return a !== "" && a === b;
};

const sameLines = (left: readonly string[], right: readonly string[]): readonly Same[] => {
  const found: Same[] = [];
  let [atLeft, atRight] = [0, 0];
  let [fromLeft, fromRight] = [0, 0];
  for (const { added, removed, value } of diffArrays([...left], [...right], { comparator: isSame })) {
    if (!added && !removed) {
      // As many lines on both sides: each was printed as one, in another layout.
      if (atLeft - fromLeft === atRight - fromRight && atLeft > fromLeft)
        found.push({ left: fromLeft, right: fromRight, size: atLeft - fromLeft });
      found.push({ left: atLeft, right: atRight, size: value.length });
    }
    if (!added) atLeft += value.length;
    if (!removed) atRight += value.length;
    if (!added && !removed) [fromLeft, fromRight] = [atLeft, atRight];
  }
  return found;
};

/** Changes between two lines of the base whose place in the written text is known. */
type Group = { from: number; to: number; readonly changes: Change[] };

const widened = (changes: readonly Change[], end: number, same: readonly Same[]): readonly Group[] => {
  const groups: Group[] = [];
  for (const change of changes) {
    const before = same.findLast(({ left }) => left <= change.from);
    const after = same.find(({ left, size }) => left + size >= change.to);
    const from = before ? Math.min(before.left + before.size, change.from) : 0;
    const to = after ? Math.max(after.left, change.to) : end;
    const last = groups.at(-1);
    if (!last || from > last.to) groups.push({ from, to, changes: [change] });
    else {
      last.to = Math.max(last.to, to);
      last.changes.push(change);
    }
  }
  return groups;
};

/** The lines of the group after its changes. */
const applied = (base: readonly string[], { from, to, changes }: Group): readonly string[] => {
  const lines: string[] = [];
  let at = from;
  for (const change of changes) {
    lines.push(...base.slice(at, change.from), ...change.lines);
    at = change.to;
  }
  return [...lines, ...base.slice(at, to)];
};

const placeOf = (same: Same | undefined, at: number, original: readonly string[]): number => {
  if (same) return same.right + at - same.left;
  return at === 0 ? 0 : original.length;
};
