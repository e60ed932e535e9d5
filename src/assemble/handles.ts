/** Where nothing separates the tenants of a shared OCS, the one thing left to do: to tell when two of them use the same record handle. */
import type { Counts } from "../console/counts.ts";
import { events } from "../events.ts";
import type { Order } from "../gateway/words.ts";
import type { Journal } from "../journal/append.ts";
import { createHandleWatch } from "../tenants/ownership.ts";

export const watchHandles = (journal: Journal, counts: Counts): ((order: Order) => void) => {
  const handles = createHandleWatch();
  return ({ owner, operation }) => {
    if (operation.action.resource !== "records" || owner.records !== "unscoped") return;
    const other = handles.use(owner.upstream, operation.identifier!, owner.name);
    if (other === undefined) return;
    counts.alarm(owner.upstream);
    events.handleShared(owner.upstream, [other, owner.name]);
    journal.note({ kind: "alarm", reason: "one record handle was used by two tenants", upstream: owner.upstream, tenant: { dbid: owner.dbid, name: owner.name }, resource: "records", identifier: operation.identifier });
  };
};
