/** What the admin listener asks of the journal: searches, on threads of their own, and the entries that say who looked. */
import type { AuditParts } from "../console/audit.ts";
import { accessEntry } from "../journal/access.ts";
import type { Journal } from "../journal/append.ts";
import type { Checkpoints } from "../journal/checkpoint.ts";
import { SearchDesk } from "../journal/search/desk.ts";
import type { Settings } from "../settings/schema.ts";
import type { Stops } from "./stops.ts";
import { vocabularyOf } from "./vocabulary.ts";

type House = { readonly journal: Journal; readonly checkpoints: Checkpoints; readonly settings: () => Settings };

export const createAudit = ({ journal, checkpoints, settings }: House, stops: Stops): AuditParts => {
  const desk = new SearchDesk(journal.dir);
  stops.push(() => desk.close());
  return {
    ask: desk.ask,
    keys: () => settings().audit.index_key,
    vocabulary: () => vocabularyOf(settings()),
    record: async (asked, sign) => {
      // Where the config says to go on without a journal, an entry is taken and lost: not this one.
      const { failed } = journal.status();
      if (failed !== undefined) throw new Error(failed);
      await journal.append(accessEntry(asked));
      if (sign) await checkpoints.write();
      return { size: sign ? checkpoints.last().size : journal.status().size };
    },
  };
};
