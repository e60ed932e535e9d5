/** What a person's entries are worth, in sentences for whoever gets the file. */
import type { Epoch, Evidence } from "../lookup.ts";

export const coverageOf = ({ searched, epochs, gaps, uncovered, complete }: Evidence): string[] => [
  `Searched: ${searched.to - searched.from} entries${searched.first === undefined ? "" : `, from ${searched.first} to ${searched.last}`}.`,
  ...epochs.flatMap((epoch) => keySays(epoch)),
  ...gaps.map(({ from, to, reason }) => `Not covered: from ${from} to ${to}: ${reason}.`),
  ...uncovered.map(({ says }) => `Not covered: ${says}.`),
  complete
    ? "Complete: every key was searched, the journal has no gap, and no Do-Not-Call leaves open whom it is about."
    : "NOT COMPLETE: what is not here may have been requested all the same.",
];

const keySays = ({ epoch, key, first, last }: Epoch): string[] => {
  const inUse = first === undefined ? "" : `, in use from ${first} to ${last}`;
  switch (key) {
    case "missing":
      return [`Not covered: tokens of the key ${epoch}${inUse}; the key is not in the config.`];
    case "other":
      return [`Not covered: tokens of the key ${epoch}${inUse}; the config has another secret under this name.`];
    case "unproven":
      return [`Not certain: whether the secret in the config made the tokens of the key ${epoch}${inUse}.`];
    default:
      return [];
  }
};
