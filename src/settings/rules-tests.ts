/** Examples of the policy: who asks in them is somebody. */
import { mayMiss } from "./facts.ts";
import { suggest } from "./nearest.ts";
import type { Finding } from "./problem.ts";
import type { Rule } from "./rules.ts";

/** Nobody's credential is refused: that may well be what is expected. */
const NOBODY = "OCSGW-2001";

const askedByClient: Rule = ({ tests, tenants, clientNames: known, areTenantsLost }) => {
  if (known.size === 0 || areTenantsLost || tenants.some((tenant) => mayMiss(tenant, "clients"))) return [];
  return tests
    .filter(({ value }) => !known.has(value.as) && value.expect !== NOBODY)
    .map(({ path, value }): Finding => {
      const help = suggest(value.as, [...known]);
      return {
        code: "OCSGW-6273",
        path: [...path, "as"],
        message: `no tenant has a client ${value.as}`,
        ...(help !== undefined && { help }),
      };
    });
};

/** Of a misspelt tenant every handle would be somebody else's, and a test that expects a refusal would hold. */
const ownedByTenant: Rule = ({ tenants, tests, tenantsWhole }) => {
  if (!tenantsWhole) return [];
  const known = tenants.map(({ value }) => value);
  const isKnown = (owner: string): boolean => known.some(({ name, dbid }) => name === owner || String(dbid) === owner);
  return tests.flatMap(({ path, value: { owner } }): readonly Finding[] => {
    if (owner === null || isKnown(owner)) return [];
    const help = suggest(
      owner,
      known.map(({ name }) => name),
    );
    return [
      {
        code: "OCSGW-6365",
        path: [...path, "owner"],
        message: `no tenant is called ${owner}`,
        ...(help !== undefined && { help }),
      },
    ];
  });
};

export const testRules: readonly Rule[] = [askedByClient, ownedByTenant];
