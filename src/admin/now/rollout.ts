/**
 * How far a policy has come from the first recorded request to a closed direct path. Each step rests on what the
 * gateway knows: the config in force, and the requests since its start. Whatever these do not show is "cannot-tell".
 */

export const STEPS = ["recorded", "observed", "one-enforced", "all-enforced", "direct-path-closed"] as const;

export type RolloutStep = {
  readonly step: (typeof STEPS)[number];
  readonly state: "done" | "open" | "cannot-tell";
  /** What the state rests on, or what to do next. */
  readonly detail: string;
};

export type TenantRollout = {
  readonly name: string;
  readonly mode: "enforce" | "observe";
  /** Whether it had a request since the start. */
  readonly hadRequests: boolean;
};

type WithMode = Pick<TenantRollout, "mode">;

export const modesOf = (tenants: readonly WithMode[]): { enforce: number; observe: number } => {
  const observe = tenants.filter(({ mode }) => mode === "observe").length;
  return { enforce: tenants.length - observe, observe };
};

export const rolloutOf = (tenants: readonly TenantRollout[]): readonly RolloutStep[] => {
  const active = tenants.filter(({ hadRequests }) => hadRequests);
  const observing = tenants.filter(({ mode }) => mode === "observe");
  const enforcing = tenants.length - observing.length;
  const silent = observing.filter(({ hadRequests }) => !hadRequests);
  return [
    active.length > 0
      ? done("recorded", `${active.length} of ${counted(tenants.length)} had requests ${SINCE}`)
      : unknown("recorded", `no request ${SINCE}; ocsgw audit search shows earlier ones`),
    silent.length === 0
      ? done("observed", observing.length === 0 ? "no tenant only observes any more" : `all had requests ${SINCE}`)
      : unknown("observed", `no request of ${named(silent)} ${SINCE}; ocsgw learn shows what the journal has`),
    enforcing > 0
      ? done("one-enforced", `${enforcing} of ${counted(tenants.length)} enforce`)
      : open("one-enforced", "no tenant enforces; ocsgw learn --enforce proposes the policy of one"),
    observing.length === 0 && tenants.length > 0
      ? done("all-enforced", "every tenant enforces its policy")
      : open("all-enforced", tenants.length === 0 ? "the config has no tenant" : `observing: ${named(observing)}`),
    unknown("direct-path-closed", DIRECT_PATH),
  ];
};

/** No time: what a person of one tenant sees must not tell when the gateway was started. */
const SINCE = "since the gateway's start";

const DIRECT_PATH =
  "the gateway cannot see who else connects to OCS: allow only its hosts in the firewall of OCS, and try " +
  "ocsgw check --connect --record-uri with a GSW_RECORD_URI that a client received";

const done = (step: RolloutStep["step"], detail: string): RolloutStep => ({ step, state: "done", detail });
const open = (step: RolloutStep["step"], detail: string): RolloutStep => ({ step, state: "open", detail });
const unknown = (step: RolloutStep["step"], detail: string): RolloutStep => ({ step, state: "cannot-tell", detail });

const counted = (count: number): string => `${count} tenant${count === 1 ? "" : "s"}`;

const MOST_NAMED = 3;
const named = (tenants: readonly { readonly name: string }[]): string => {
  const rest = tenants.length - MOST_NAMED;
  const names = tenants.slice(0, MOST_NAMED).map(({ name }) => name);
  return names.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
};
