/** People of the test's choice: each has a bearer token, which is also the name under which a test asks. */
import type { Authenticate, Role, Viewer } from "../../../src/admin/viewer.ts";

const VIEWERS = new Map<string, Viewer>();

export const person = (roles: readonly Role[], tenants: Viewer["tenants"] = [101]): string => {
  const name = `${roles.join("-")}-${String(tenants)}`;
  VIEWERS.set(`Bearer ${name}`, { name: "ada", roles, tenants, via: "session" });
  return name;
};

type Module = { readonly byToken: (given: { readonly token: string; readonly auditDir: string }) => Authenticate };

/** `admin/viewer.ts`, which knows these people too. */
export const withPeople = <Real extends Module>(real: Real): Real => ({
  ...real,
  byToken: (given: Parameters<Module["byToken"]>[0]): Authenticate => {
    const otherwise = real.byToken(given);
    return (arrival) => {
      const token = arrival.headers.find(([name]) => name.toLowerCase() === "authorization")?.[1] ?? "";
      return VIEWERS.get(token) ?? otherwise(arrival);
    };
  },
});

export const SCOPED = { viewer: person(["viewer"]), operator: person(["operator"]), auditor: person(["auditor"]) };
export const OTHER = person(["auditor"], [102]);
/** The admin token. */
export const EVERYTHING = "token";
