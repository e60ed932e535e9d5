/** What a look-up of a person is worth, in lines: what was searched, and what it cannot cover. */
import type { Epoch, Evidence } from "../../journal/lookup.ts";

export const evidenceLines = ({ spellings, epochs, gaps, uncovered, complete }: Evidence): string[] => [
  `looked for the number or id ${spellings.join("; ")}`,
  ...epochs.map(
    (epoch) =>
      `key ${epoch.epoch}: ${keyInWords(epoch)}${epoch.first === undefined ? "" : `, in use from ${epoch.first} to ${epoch.last}`}`,
  ),
  ...gaps.map(({ from, to, reason }) => `gap from ${from} to ${to}: ${reason}`),
  ...uncovered.map(({ says, filter }) => `not covered: ${says}; to list them: ocsgw audit search '${filter}'`),
  complete
    ? "complete: every key was searched, the journal has no gap, and no Do-Not-Call leaves open whom it is about"
    : "NOT COMPLETE: what was not found may have been requested all the same",
];

const keyInWords = ({ key, covered_from: from }: Epoch): string => {
  switch (key) {
    case "same":
      return "searched";
    case "unused":
      return "searched, no token of it in the journal";
    case "missing":
      return "NOT SEARCHED, its key is not in the config";
    case "other":
      return "NOT SEARCHED, the secret in the config is not the journal's of this name";
    case "unproven":
      return `searched, but CANNOT TELL whether this secret made the tokens ${from === undefined ? "of the journal, which states no check value" : `before entry ${from}, where the journal states its check value`}`;
  }
};
