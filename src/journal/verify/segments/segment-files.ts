/** The files in a journal's `segments` directory, by the index of their first entry. */
import { join } from "node:path";
import { namesIn } from "../small-file.ts";

export const segmentFile = (first: number): string => `${String(first).padStart(12, "0")}.jsonl`;

export const numbersOf = async (dir: string, ending: string): Promise<number[]> => {
  const names = await namesIn(join(dir, "segments"));
  // After a crash, a segment may exist in both forms, plain and compressed.
  const numbers = names
    .filter(
      (name) =>
        /^\d{12}\./.test(name) && [ending, ...(ending === ".jsonl" ? [".jsonl.zst"] : [])].includes(name.slice(12)),
    )
    .map((name) => Number(name.slice(0, 12)));
  return [...new Set(numbers)].toSorted((left, right) => left - right);
};

/** No reader uses a plain file beside the compressed one, so the verification does not read it either. */
export const inBothForms = async (dir: string): Promise<string[]> => {
  const names = await namesIn(join(dir, "segments"));
  return names
    .filter((name) => /^\d{12}\.jsonl$/.test(name) && names.includes(`${name}.zst`))
    .toSorted()
    .map(
      (name) =>
        `${name} exists beside its compressed form, and only that is read: the gateway crashed while it ` +
        "compressed the segment, and will remove the plain file",
    );
};
