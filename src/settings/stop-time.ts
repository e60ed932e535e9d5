/** The longest time that a gateway needs to stop, which systemd, a container engine or Kubernetes must allow. */
import type { Settings } from "./schema/schema.ts";

/** All in milliseconds. */
export type StopTime = {
  /** `drain.delay`, during which only /readyz changes. */
  readonly delay: number;
  /** The longest wait for a lane, of all upstreams; `answer`: the longest wait for OCS's answer. */
  readonly maxWait: number;
  readonly answer: number;
  /** Time to close callbacks, admin listener and journal, after the last request. */
  readonly closing: number;
  readonly all: number;
};

type Timed = {
  readonly drain: Settings["drain"];
  readonly upstreams: readonly {
    readonly queue: { readonly max_wait: number };
    readonly timeouts: { readonly answer: number };
  }[];
  readonly audit: { readonly disk_timeout: number };
};

/** 5 s for callbacks, 5 s for the rest. */
const CLOSING_MS = 10_000;

/** The stop time in deploy/ocsgw.service and deploy/compose.yaml. */
export const GIVEN_MS = 60_000;

export const stopTimeOf = ({ drain, upstreams, audit }: Timed): StopTime => {
  const delay = drain.delay;
  const maxWait = Math.max(...upstreams.map(({ queue }) => queue.max_wait));
  const answer = Math.max(...upstreams.map(({ timeouts }) => timeouts.answer));
  const closing = CLOSING_MS + audit.disk_timeout;
  return { delay, maxWait, answer, closing, all: delay + maxWait + answer + closing };
};
