/** Requests that were refused for a reason that no policy changes, by code, tenant, client and action. */
import type { Refusal } from "../../journal/entry.ts";
import { Seen, type Evidence, type Sighting } from "./evidence.ts";
import { ROWS, type RefusalKind } from "./refusal-kinds.ts";

export type NeverAllowed = {
  readonly code: string;
  /** `policy`: refused while the tenant enforced its policy. */
  readonly kind: RefusalKind | "policy";
  readonly title: string;
  readonly advice: string;
  readonly tenant: string | null;
  readonly client: string | null;
  /** The client only claimed this name: its credential was not valid. */
  readonly claimed: boolean;
  readonly action: string | null;
  readonly resource: string | null;
  readonly evidence: Evidence;
};

type RefusedEntry = Pick<Refusal, "code" | "tenant" | "client" | "action" | "resource" | "presented" | "setting">;

type Key = readonly [
  code: string,
  tenant: string | null,
  client: string | null,
  claimed: boolean,
  action: string | null,
  resource: string | null,
  isPolicy: boolean,
];

export class Refused {
  readonly #seen = new Seen();
  readonly #isOurs: (client: string) => boolean;

  /** `isOurs`: false for a client that acts only for tenants that are not learned. */
  constructor(isOurs: (client: string) => boolean) {
    this.#isOurs = isOurs;
  }

  add(entry: RefusedEntry, sighting: Sighting): void {
    const { code, tenant, client, presented, action, resource, setting } = entry;
    if (typeof client === "string" && !this.#isOurs(client)) return;
    const claimed = typeof client !== "string" && presented?.client !== undefined;
    const key: Key = [
      code,
      tenant?.name ?? null,
      client ?? presented?.client ?? null,
      claimed,
      action ?? null,
      resource ?? null,
      // Only the tenant's own list of fields makes a field's refusal one of the policy.
      setting?.endsWith(".fields") === true,
    ];
    this.#seen.add(JSON.stringify(key), sighting);
  }

  /** Most frequent first. */
  rows(): readonly NeverAllowed[] {
    return this.#seen
      .entries()
      .map(([id, evidence]): NeverAllowed => {
        const [code, tenant, client, claimed, action, resource, isPolicy] = JSON.parse(id) as Key;
        const row = ROWS.get(code);
        return {
          code,
          kind: isPolicy ? "policy" : (row?.kind ?? "protocol"),
          title: row?.title ?? "a refusal of another version of the gateway",
          advice: row?.advice ?? "",
          tenant,
          client,
          claimed,
          action,
          resource,
          evidence,
        };
      })
      .toSorted((one, other) => other.evidence.requests - one.evidence.requests);
  }

  /** Refused requests of more combinations than are kept. */
  get uncounted(): number {
    return this.#seen.uncounted;
  }
}
