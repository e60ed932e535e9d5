/** Which tenants are learned. */
import { findTenant } from "../../dry-run/evaluate.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { FAILED, WRONG_USAGE } from "../exit-codes.ts";

type Places = { readonly found: readonly number[] } | { readonly problem: string; readonly code: number };

/** `names`: names or DBIDs; undefined for every tenant that observes. */
export const placesOf = ({ tenants }: Pick<Settings, "tenants">, names: readonly string[] | undefined): Places => {
  const observing = tenants.flatMap(({ mode }, place) => (mode === "observe" ? [place] : []));
  if (names === undefined)
    return observing.length > 0
      ? { found: observing }
      : {
          problem:
            "nothing to learn: no tenant has mode: observe. A tenant that enforces refuses what it does not allow",
          code: FAILED,
        };
  const found: number[] = [];
  for (const name of names) {
    const tenant = findTenant(tenants, name);
    if (!tenant) return { problem: `--tenant: the config has no tenant ${JSON.stringify(name)}`, code: WRONG_USAGE };
    if (tenant.mode !== "observe")
      return { problem: `--tenant: ${JSON.stringify(tenant.name)} has no mode: observe`, code: WRONG_USAGE };
    found.push(tenants.indexOf(tenant));
  }
  return { found: [...new Set(found)].toSorted((left, right) => left - right) };
};
