/** Where labels stand beside the lines that they name. */

/** CSS pixels from one label to the next. */
export const APART = 17;

/** The place of each label: that of its line, pushed apart where lines are close, and never below the chart. */
export const apart = (wanted: readonly number[], room: number): number[] => {
  const order = wanted.map((_, index) => index).toSorted((one, other) => wanted[one]! - wanted[other]!);
  const tops = [...wanted];
  let next = -Infinity;
  for (const index of order) next = (tops[index] = Math.max(wanted[index]!, next)) + APART;
  let most = room - APART;
  for (const index of order.toReversed()) most = (tops[index] = Math.min(tops[index]!, most)) - APART;
  return tops.map((top) => Math.max(0, Math.round(top)));
};
