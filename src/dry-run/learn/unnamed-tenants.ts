/**
 * Requests of a client of several tenants that named none of them (OCSGW-2105). If only one of its tenants grants the
 * action, such a request is for that tenant: a proposal that takes the action from the others lets it pass.
 */
import { REFUSALS } from "../../gateway/refusals.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import type { Proposal } from "./proposal.ts";
import type { NeverAllowed } from "./refused.ts";

const AMBIGUOUS = REFUSALS["ambiguous-tenant"].code;

type Proposed = { readonly place: number; readonly proposal: Proposal };

/** By place of the tenant for which the requests would be. */
export const notesOnUnnamed = (
  { tenants }: Pick<Settings, "tenants">,
  proposed: readonly Proposed[],
  never: readonly NeverAllowed[],
): ReadonlyMap<number, readonly string[]> => {
  const notes = new Map<number, string[]>();
  for (const { code, client, action, evidence } of never) {
    if (code !== AMBIGUOUS || client === null || action === null) continue;
    const granting = tenants.flatMap((tenant, place) =>
      actionsAfter(tenant, client, proposed.find((each) => each.place === place)?.proposal).includes(action)
        ? place
        : [],
    );
    const [only, another] = granting;
    if (only === undefined || another !== undefined) continue;
    const note =
      `CAUTION: ${evidence.requests} requests of ${client} with ${action} named no tenant and were refused ` +
      `(${code}); only this tenant would grant the action, so they would pass and be for this tenant`;
    notes.set(only, [...(notes.get(only) ?? []), note]);
  }
  return notes;
};

const actionsAfter = (
  { clients }: Settings["tenants"][number],
  client: string,
  proposal: Proposal | undefined,
): readonly string[] => {
  const edit = proposal?.edits.find(
    ({ path: [, , section, name, key, more] }) =>
      section === "clients" && name === client && (key === undefined || (key === "actions" && more === undefined)),
  );
  if (edit) return Array.isArray(edit.value) ? (edit.value as readonly string[]) : [];
  return Object.hasOwn(clients, client) ? clients[client]!.actions : [];
};
