/** What OCS saw: counters per instance and per connection, and the last requests. */
import type { HeaderLine } from "../message.ts";

export type Instance = "primary" | "backup";

export type Counters = {
  readonly connections: { /** Ever accepted. */ readonly total: number; readonly open: number };
  readonly requests: number;
  /** Bytes that came while a request was unanswered on the same connection. */
  readonly violations: number;
  /** The most requests that one connection had unanswered at a time. */
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

export type SeenRequest = {
  /** ISO 8601, by the sandbox's clock. */
  readonly time: string;
  readonly instance: Instance;
  readonly connection: number;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly body: string;
  /** null when a fault ended the exchange before OCS did anything. */
  readonly status: number | null;
  /** Ids of the faults that struck it, in order; they may still come after the status is known. */
  readonly faults: readonly string[];
};

/** One connection tells the recorder what happens on it. */
export type ConnectionLog = {
  readonly number: number;
  readonly request: () => void;
  readonly violation: () => void;
  readonly closed: () => void;
};

export type Recorder = {
  readonly open: (instance: Instance) => ConnectionLog;
  readonly saw: (request: SeenRequest) => void;
  readonly requests: () => readonly SeenRequest[];
  /** Every open connection and the last of the closed ones. */
  readonly connections: () => readonly ConnectionRecord[];
  readonly counters: () => Readonly<Record<Instance, Counters>>;
  /** Counters to zero; connections that are open stay open. */
  readonly reset: () => void;
};

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };
type Totals = { total: number; requests: number; violations: number; maxInFlight: number };

const zero = (): Record<Instance, Totals> => ({
  primary: { total: 0, requests: 0, violations: 0, maxInFlight: 0 },
  backup: { total: 0, requests: 0, violations: 0, maxInFlight: 0 },
});

export const createRecorder = (capacity = 500): Recorder => {
  const seen: SeenRequest[] = [];
  const connections = new Map<number, Mutable<ConnectionRecord>>();
  let totals = zero();
  let opened = 0;

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
    saw: (request) => {
      seen.push(request);
      if (seen.length > capacity) seen.shift();
    },
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
