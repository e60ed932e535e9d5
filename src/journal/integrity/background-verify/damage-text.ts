/** What the log and the alarm say of lines that are not as a checkpoint signed them. */
const MOST_LINES_TOLD = 5;

export type Differing = { readonly line: number; readonly isAbsent: boolean };

/** `size`: of the checkpoint that shows it. */
export const damageText = (
  segment: string,
  differing: readonly Differing[],
  areLinesRight: boolean,
  size: number,
): string => {
  const absent = differing.find(({ isAbsent }) => isAbsent);
  const changed = differing.filter(({ isAbsent }) => !isAbsent).map(({ line }) => line);
  const more = changed.length - MOST_LINES_TOLD;
  const [noun, differ, are] = changed.length === 1 ? ["line", "differs", "is"] : ["lines", "differ", "are"];
  const lines = `${noun} ${changed.slice(0, MOST_LINES_TOLD).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  if (changed.length > 0 && areLinesRight && !absent)
    return `the leaf hashes beside ${segment} are wrong for ${lines}, which ${are} as checkpoint ${size} signed`;
  return [
    ...(changed.length > 0 ? [`${lines} of ${segment} ${differ} from what checkpoint ${size} signed`] : []),
    ...(absent ? [`${segment} ends before line ${absent.line}, which checkpoint ${size} covers`] : []),
  ].join(", and ");
};
