/** What a person search covered, as lines for a terminal. */
import { inShell } from "../../common/shell-word.ts";
import { withGivenConfig } from "../process/given-config.ts";
import type { Epoch, Evidence } from "../../journal/search/person-search.ts";

export const evidenceLines = ({ spellings, epochs, gaps, uncovered, complete }: Evidence): string[] => [
  `Searched for the number or id ${spellings.join("; ")}`,
  ...epochs.map((epoch) => `Index key ${epoch.epoch}: ${keyResult(epoch)}${periodOf(epoch)}`),
  ...gaps.map(({ from, to, reason }) => withGivenConfig(`Gap from ${from} to ${to}: ${reason}`)),
  ...uncovered.map(({ says, filter }) =>
    withGivenConfig(`Not covered: ${says}. To list them: ocsgw audit search -c FILE ${inShell(filter)}`),
  ),
  complete
    ? "Complete: every index key was searched, the journal has no gap, and every Do-Not-Call says whom it is about"
    : "NOT COMPLETE: requests of this person may exist that this search cannot find",
];

const periodOf = ({ first, last }: Epoch): string => (first === undefined ? "" : `, in use from ${first} to ${last}`);

const keyResult = ({ key, covered_from: from }: Epoch): string => {
  switch (key) {
    case "same":
      return "searched";
    case "unused":
      return "searched; the journal contains no values made with it";
    case "missing":
      return "NOT SEARCHED; the config has no key with this name";
    case "other":
      return "NOT SEARCHED; the config has another secret under this name than the journal";
    case "unproven":
      return `searched, but CANNOT TELL whether this secret made the tokens ${
        from === undefined
          ? "of the journal, which has no check value of the key"
          : `before entry ${from}, the first with a check value of the key`
      }`;
  }
};
