/** Rules about what a tenant grants to its clients. */
import { mayMiss, type Rule } from "./parsed-parts.ts";
import type { Finding } from "../problems/problem.ts";

const PROBLEMS = {
  noActions: (client: string, tenant: string) => ({
    code: "OCSGW-6366",
    message:
      `the client ${client} of ${JSON.stringify(tenant)} has no action, and the tenant enforces its policy: every ` +
      "request of this client would get 403 OCSGW-2101",
    help:
      "list at least one action, for example DoNotCall, or remove the client; with mode: observe the list may be " +
      "empty",
  }),
} as const;

/** A client without actions makes sense only while its requests are recorded, to learn its actions from them. */
const clientsHaveActions: Rule = ({ tenants }) =>
  tenants
    .filter((tenant) => tenant.value.mode === "enforce" && !mayMiss(tenant, "mode"))
    .flatMap(({ path, value: { name, clients } }) =>
      Object.entries(clients)
        .filter(([, { actions }]) => actions.length === 0)
        .map(([client]): Finding => ({
          ...PROBLEMS.noActions(client, name),
          path: [...path, "clients", client, "actions"],
        })),
    );

export const grantRules: readonly Rule[] = [clientsHaveActions];
