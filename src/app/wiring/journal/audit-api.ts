/** The journal for the admin listener: searches on worker threads, and entries that record who read the journal. */
import type { AuditParts } from "../../../admin/audit-parts.ts";
import { LoggableError } from "../../../common/log/loggable-error.ts";
import { accessEntry } from "../../../journal/access.ts";
import type { Journal } from "../../../journal/journal.ts";
import type { Checkpoints } from "../../../journal/integrity/checkpoints/checkpoint.ts";
import { SearchWorker } from "../../../journal/search/worker/search-worker.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { vocabularyOf } from "./filter-vocabulary.ts";

type AuditDeps = {
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly settings: () => Settings;
} & Pick<AuditParts, "elsewhere">;

/** `record` rejects while the journal cannot be written. */
export const createAudit = (
  { journal, checkpoints, settings, elsewhere }: AuditDeps,
  stops: ShutdownSteps,
): AuditParts => {
  const worker = new SearchWorker(journal.dir);
  stops.push(() => worker.close());
  return {
    ask: worker.ask,
    elsewhere,
    keys: () => settings().audit.index_key,
    vocabulary: (tenants) => vocabularyOf(settings(), tenants),
    record: async (request, sign) => {
      // With `on_failure: continue` the journal loses entries without an error; an access entry must not be lost.
      const { failed } = journal.status();
      if (failed !== undefined) throw new LoggableError(failed);
      await journal.append(accessEntry(request));
      if (sign) await checkpoints.write();
      return { size: sign ? checkpoints.last().size : journal.status().size };
    },
  };
};
