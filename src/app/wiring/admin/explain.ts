/** What explains a request to the admin API: the config in force, its lines, and the checkpoints on disk. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Explain } from "../../../admin/api/flows.ts";
import { absenceOf } from "../../../explain/absence.ts";
import type { Asks } from "../../../explain/ask.ts";
import { describeCounted } from "../../../explain/counted-refusals.ts";
import { explanationOf, explanationOfEntries, explanationToJson } from "../../../explain/explanation.ts";
import { waitedFor } from "../../../explain/waited-for.ts";
import { withConfig } from "../../../common/shell-word.ts";
import { nodeDisk } from "../../../journal/disk.ts";
import { numbersIn, paths } from "../../../journal/paths.ts";
import { SearchFailed } from "../../../journal/search/worker/search-worker.ts";
import { SearchTimeout } from "../../../journal/search/worker/time-limit.ts";
import { createLocator, type SettingPlace } from "../../config/locate-setting.ts";
import type { Path } from "../../../settings/problems/problem.ts";
import type { Reading } from "../../config/reading.ts";

const PATIENCE_MS = 1000;

type Parts = Asks & {
  /** The config file. */
  readonly file: string;
  readonly reading: () => Pick<Reading, "settings" | "hash">;
  /** The directory of the journal. */
  readonly dir: string;
};

export const createExplain = ({ ask, file, reading, dir }: Parts): Explain => {
  const find = createLocator(file, () => reading().hash);
  /** A first reading of the file may take longer than anybody waits; the next question finds its result. */
  const locate = async (path: Path): Promise<SettingPlace | undefined> => {
    const patience = new AbortController();
    try {
      return await Promise.race([find(path), sleep(PATIENCE_MS, undefined, { signal: patience.signal })]);
    } finally {
      patience.abort();
    }
  };
  return {
    request: async (transaction) => {
      const { settings, hash } = reading();
      const explanation = await explanationOf(transaction, {
        ask,
        config: { settings, hash, locate },
        checkpoints: async () => numbersIn(await nodeDisk.list(paths(dir).checkpoints), ""),
      });
      const { todo } = explanation;
      return explanationToJson({ ...explanation, todo: todo === undefined ? undefined : withConfig(todo, file) });
    },
    waitedFor: async (transaction) => {
      try {
        return await waitedFor({ ask }, transaction);
      } catch (error) {
        // The search of a busy minute may take too long: then it is not known.
        if (error instanceof SearchTimeout || error instanceof SearchFailed) return undefined;
        throw error;
      }
    },
    part: (entries) => explanationToJson(explanationOfEntries({ at: 0, entries })),
    absence: async (id) => {
      const { counted, missing, later } = await absenceOf({ ask }, id);
      if (counted.length > 0) return { why: describeCounted(id, counted), isCertain: false };
      if (missing.length > 0) return { why: missing.join("; "), isCertain: false };
      return later && { why: later.why, isCertain: later.final };
    },
  };
};
