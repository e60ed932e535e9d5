/** The rates of one tenant: as a whole, of its urgent requests, and wherever its config has a limit. */
import { isUrgent, type ActionName } from "../../ocs/catalog.ts";
import type { LimitSettings, TenantSettings } from "../../settings/schema/schema.ts";
import { toLimit } from "../../settings/to-tenants.ts";
import { LimitReplay, RateMeter } from "./rate-meter.ts";

/** `path`: of the limit below its tenant, such as `["clients", "crm", "limits", "requests"]`. */
export type Scope = {
  readonly path: readonly string[];
  readonly client: string | undefined;
  /** One action, all urgent ones, or all others. */
  readonly of: ActionName | "urgent" | "requests";
  /** The config's limit, which may be that of `requests` for urgent ones. */
  readonly limit: LimitSettings | undefined;
  readonly meter: RateMeter;
  readonly replay: LimitReplay | undefined;
};

type LimitsSettings = NonNullable<TenantSettings["limits"]>;

const scope = (
  path: readonly string[],
  client: string | undefined,
  of: Scope["of"],
  limit: LimitSettings | undefined,
): Scope => ({
  path,
  client,
  of,
  limit,
  meter: new RateMeter(limit ? [toLimit(limit).seconds] : []),
  replay: limit && new LimitReplay(toLimit(limit)),
});

const scopesIn = (
  limits: LimitsSettings | null,
  base: readonly string[],
  client: string | undefined,
): readonly Scope[] => [
  scope([...base, "requests"], client, "requests", limits?.requests ?? undefined),
  scope([...base, "urgent"], client, "urgent", limits?.urgent ?? limits?.requests ?? undefined),
  ...Object.entries(limits?.actions ?? {}).map(([action, limit]) =>
    scope([...base, "actions", action], client, action as ActionName, limit),
  ),
];

export class TenantMeters {
  readonly scopes: readonly Scope[];

  constructor({ limits, clients }: Pick<TenantSettings, "limits" | "clients">) {
    this.scopes = [
      ...scopesIn(limits, ["limits"], undefined),
      // Limits of single clients are the operator's decision; only those that are there are measured.
      ...Object.entries(clients).flatMap(([client, grant]) =>
        grant.limits ? scopesIn(grant.limits, ["clients", client, "limits"], client) : [],
      ),
    ];
  }

  /** `at`: milliseconds since 1970. */
  add(at: number, client: string, action: ActionName): void {
    const kind = isUrgent(action) ? "urgent" : "requests";
    for (const each of this.scopes) {
      if ((each.client !== undefined && each.client !== client) || (each.of !== kind && each.of !== action)) continue;
      each.meter.add(at);
      each.replay?.add(at);
    }
  }
}
