/** What ownership needs to know about the gateways that share the log; `Membership` of src/cluster has it. */

export type GatewayRow = {
  readonly name: string;
  readonly instance: string;
  readonly state: "live" | "dead" | "stopped";
  readonly details: Readonly<Record<string, unknown>>;
};

export type Gateways = {
  /** This gateway's name, and its run. */
  readonly node: string;
  readonly instance: string;
  /** Others wait for this gateway before they take a handle from a tenant. */
  readonly isLeased: boolean;
  /** Counts the leases: after a gap, a new one begins. */
  readonly leaseNumber: number;
  readonly nodes: readonly GatewayRow[];
  /** When the reading of `nodes` began, in milliseconds of the monotonic clock. */
  readonly readAt: number;
  /** Beats now, which reads `nodes`. Resolves to false if the database does not answer. */
  readonly beat: () => Promise<boolean>;
  /** Sets what others see of a part of this gateway, from the next beat on. */
  readonly tell: (part: string, value: unknown) => void;
};

/** The part of `details` that ownership writes: the last acknowledged event of each upstream's log. */
export const PART = "ownership";

/** The last event that the gateway has acknowledged; undefined if it does not answer for this upstream. */
export const acknowledgedBy = ({ details }: GatewayRow, upstream: string): number | undefined => {
  const part = details[PART];
  const seq = typeof part === "object" && part !== null ? (part as Record<string, unknown>)[upstream] : undefined;
  return typeof seq === "number" ? seq : undefined;
};
