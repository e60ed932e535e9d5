/** Rules about policy tests: their clients and owners exist. */
import { mayMiss } from "./parsed-parts.ts";
import { suggest } from "../problems/did-you-mean.ts";
import { withHelp, type Finding } from "../problems/problem.ts";
import type { Rule } from "./parsed-parts.ts";

const PROBLEMS = {
  unknownClient: (client: string) => ({ code: "OCSGW-6273", message: `no tenant has a client ${client}` }),
  unknownOwner: (tenant: string) => ({ code: "OCSGW-6365", message: `unknown tenant ${JSON.stringify(tenant)}` }),
} as const;

/** A test with an unknown client is valid if it expects this refusal. */
const UNAUTHENTICATED = "OCSGW-2001";

const clientExists: Rule = ({ tests, tenants, clientNames: known, areTenantsLost }) => {
  if (known.size === 0 || areTenantsLost || tenants.some((tenant) => mayMiss(tenant, "clients"))) return [];
  return tests
    .filter(({ value }) => !known.has(value.as) && value.expect !== UNAUTHENTICATED)
    .map(({ path, value }): Finding => ({
      ...withHelp(
        PROBLEMS.unknownClient(value.as),
        suggest(value.as, [...known]) ?? `correct the name; for an unknown client expect ${UNAUTHENTICATED}`,
      ),
      path: [...path, "as"],
    }));
};

/** With a misspelled owner every client would be refused, and a test that expects a refusal would pass. */
const ownerExists: Rule = ({ tenants, tests, tenantsWhole }) => {
  if (!tenantsWhole) return [];
  const known = tenants.map(({ value }) => value);
  const isKnown = (owner: string): boolean => known.some(({ name, dbid }) => name === owner || String(dbid) === owner);
  return tests.flatMap(({ path, value: { owner } }): readonly Finding[] => {
    if (owner === null || isKnown(owner)) return [];
    const names = known.map(({ name }) => name);
    const help = suggest(owner, names) ?? "write the name or the DBID of a tenant under tenants";
    return [{ ...withHelp(PROBLEMS.unknownOwner(owner), help), path: [...path, "owner"] }];
  });
};

export const testRules: readonly Rule[] = [clientExists, ownerExists];
