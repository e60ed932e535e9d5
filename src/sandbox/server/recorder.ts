/** Records what OCS received: counters per instance and per connection, and the last requests. */
import type { HeaderLine } from "../../common/message.ts";

export type Instance = "primary" | "backup";

export type Counters = {
  readonly connections: { /** Ever accepted. */ readonly total: number; readonly open: number };
  readonly requests: number;
  /** How often bytes arrived on a connection before OCS had answered its request. */
  readonly violations: number;
  /** Maximum number of unanswered requests on one connection. */
  readonly maxInFlight: number;
};

export type ConnectionRecord = {
  readonly number: number;
  readonly instance: Instance;
  readonly open: boolean;
  readonly requests: number;
  readonly violations: number;
  readonly maxInFlight: number;
};

/** A request as OCS has read it. */
export type ReadRequest = {
  /** ISO 8601, by the sandbox's clock. */
  readonly time: string;
  readonly instance: Instance;
  readonly connection: number;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly body: string;
  /** The id of a gateway's request behind this one; absent if no gateway of this process sent it. */
  readonly flow?: string;
  /** Names of the action and of the tenant, as far as they could be read. Only next to a gateway of this process. */
  readonly action?: string;
  readonly tenant?: string;
};

export type RecordedRequest = ReadRequest & {
  /** Counts requests from 1, in the order in which OCS read them. */
  readonly number: number;
  /** null when a fault ended the exchange before OCS did anything. */
  readonly status: number | null;
  /** Ids of the faults that struck the request, in order; grows until the answer is sent. */
  readonly faults: readonly string[];
};

export type Outcome = Pick<RecordedRequest, "status" | "faults">;

/** A request that OCS has read and not answered yet. */
export type PendingRequest = ReadRequest & Pick<RecordedRequest, "number">;

/** The recorder's interface for one connection. */
export type ConnectionLog = {
  readonly number: number;
  readonly request: () => void;
  readonly violation: () => void;
  readonly closed: () => void;
};

export type Recorder = {
  readonly open: (instance: Instance) => ConnectionLog;
  /** Returns what is called when the request has its outcome, before the answer is sent. */
  readonly arrived: (request: ReadRequest) => (outcome: Outcome) => void;
  /** The oldest first. */
  readonly pending: () => readonly PendingRequest[];
  /** Those with an outcome, in the order of the outcomes. */
  readonly requests: () => readonly RecordedRequest[];
  /** All open connections and the most recently closed ones. */
  readonly connections: () => readonly ConnectionRecord[];
  readonly counters: () => Readonly<Record<Instance, Counters>>;
  /** Sets the counters to zero; open connections stay open. */
  readonly reset: () => void;
};

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };
type Totals = { total: number; requests: number; violations: number; maxInFlight: number };

const zero = (): Record<Instance, Totals> => ({
  primary: { total: 0, requests: 0, violations: 0, maxInFlight: 0 },
  backup: { total: 0, requests: 0, violations: 0, maxInFlight: 0 },
});

export const createRecorder = (capacity = 500): Recorder => {
  const seen: RecordedRequest[] = [];
  const connections = new Map<number, Mutable<ConnectionRecord>>();
  const pending = new Set<PendingRequest>();
  let totals = zero();
  let opened = 0;
  let read = 0;

  const forgetClosed = (): void => {
    for (const { number, open } of connections.values()) {
      if (connections.size <= capacity) return;
      if (!open) connections.delete(number);
    }
  };

  const open = (instance: Instance): ConnectionLog => {
    const connection: Mutable<ConnectionRecord> = {
      number: ++opened,
      instance,
      open: true,
      requests: 0,
      violations: 0,
      maxInFlight: 0,
    };
    connections.set(connection.number, connection);
    totals[instance].total++;
    const inFlight = (count: number): void => {
      connection.maxInFlight = Math.max(connection.maxInFlight, count);
      totals[instance].maxInFlight = Math.max(totals[instance].maxInFlight, count);
    };
    return {
      number: connection.number,
      request: () => {
        connection.requests++;
        totals[instance].requests++;
        inFlight(1);
      },
      violation: () => {
        connection.violations++;
        totals[instance].violations++;
        inFlight(2);
      },
      closed: () => {
        connection.open = false;
        forgetClosed();
      },
    };
  };

  const countersOf = (instance: Instance): Counters => {
    const { total, ...rest } = totals[instance];
    return {
      connections: {
        total,
        open: [...connections.values()].filter((connection) => connection.open && connection.instance === instance)
          .length,
      },
      ...rest,
    };
  };

  return {
    open,
    arrived: (request) => {
      const waiting: PendingRequest = { ...request, number: ++read };
      pending.add(waiting);
      return ({ status, faults }) => {
        pending.delete(waiting);
        seen.push({ ...waiting, status, faults });
        if (seen.length > capacity) seen.shift();
      };
    },
    pending: () => [...pending],
    requests: () => [...seen],
    connections: () => [...connections.values()].map((connection) => ({ ...connection })),
    counters: () => ({ primary: countersOf("primary"), backup: countersOf("backup") }),
    reset: () => {
      totals = zero();
      seen.length = 0;
      for (const connection of connections.values()) {
        if (connection.open) Object.assign(connection, { requests: 0, violations: 0, maxInFlight: 0 });
        else connections.delete(connection.number);
      }
    },
  };
};
