/** The live flows for the admin listener: a thread that reads the journal, and the streams that show what it reads. */
import type { FlowParts } from "../../admin/flows/stream-page.ts";
import type { FlowJournal } from "../../admin/flows/watcher.ts";
import { Watchers } from "../../admin/flows/watchers.ts";
import { Cursors, cursorSecret } from "../../journal/flows/cursor.ts";
import { FlowThread } from "../../journal/flows/thread/flow-thread.ts";
import type { Journal } from "../../journal/journal.ts";
import type { StateSigner } from "../../journal/write/start-state.ts";

type Deps = { readonly journal: Journal; readonly signer: StateSigner };

export type Flows = FlowParts & { readonly watchers: Watchers };

export const createFlows = ({ journal, signer }: Deps): Flows => {
  const secret = cursorSecret(signer.key, signer.origin);
  const known: FlowJournal = {
    size: () => journal.status().size,
    deletedTo: () => journal.lastDeleted()?.entry.to ?? 0,
    failed: () => journal.status().failed,
    lag: () => journal.status().lag,
  };
  const thread = new FlowThread({ dir: journal.dir, secret });
  return { watchers: new Watchers({ thread, journal: known }), journal: known, cursors: new Cursors(secret) };
};
