/**
 * Starts the longest test files first, so that no worker runs a long one while the others have nothing left to do.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take more than 20 s. Without results of an earlier run, vitest starts with the largest files instead. */
const LONGEST = [
  "simulation/simulation",
  "docs/blocks",
  "journeys/set-aside",
  "deploy/package/release",
  "deploy/package/installed",
  "deploy/other-owner",
  "journeys/restart",
  "journeys/restore",
  "deploy/systemd",
  "cli/systemd-sockets",
  "journeys/one-writer",
  "faults/kill",
  "simulation/mutants",
  "faults/history",
];

const rankOf = ({ moduleId }: TestSpecification): number => {
  const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return at < 0 ? LONGEST.length : at;
};

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
