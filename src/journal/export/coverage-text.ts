/** What a person search covered, as sentences for the reader of a file. */
import type { Epoch, Evidence } from "../search/person-search.ts";

export const coverageLines = ({ searched, epochs, gaps, uncovered, complete }: Evidence): string[] => [
  `Searched: ${searched.to - searched.from} entries` +
    (searched.first === undefined ? "." : `, from ${searched.first} to ${searched.last}.`),
  ...epochs.flatMap(keyLines),
  ...gaps.map(({ from, to, reason }) => `Not covered: from ${from} to ${to}: ${reason}.`),
  ...uncovered.map(({ says }) => `Not covered: ${says}.`),
  complete
    ? "Complete: every index key was searched, the journal has no gap, and every Do-Not-Call says whom it is about."
    : "NOT COMPLETE: requests of this person may exist that are not listed here.",
];

const keyLines = ({ epoch, key, first, last }: Epoch): string[] => {
  const period = first === undefined ? "" : `, in use from ${first} to ${last}`;
  switch (key) {
    case "missing":
      return [`Not covered: tokens of index key ${epoch}${period}; the config does not have this key.`];
    case "other":
      return [`Not covered: tokens of index key ${epoch}${period}; the config has another secret under this name.`];
    case "unproven":
      return [`Not certain: whether the secret in the config made the tokens of index key ${epoch}${period}.`];
    default:
      return [];
  }
};
