/** How long a gateway takes to stop at most: what systemd, a container engine and Kubernetes must allow for. */
import type { Settings } from "./schema.ts";

/** Milliseconds. */
export type StopTime = {
  /** `drain.delay`: nothing has changed but /readyz. */
  readonly delay: number;
  /** The longest that a request may wait for a lane, and then for OCS's answer, at any upstream. */
  readonly maxWait: number;
  readonly answer: number;
  /** For callbacks, console and journal, behind the last request. */
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

/** Callbacks have 5 s to end, the rest has as long. */
const CLOSING_MS = 10_000;

/** What deploy/ocsgw.service and deploy/compose.yaml give a gateway. */
export const GIVEN_MS = 60_000;

export const stopTimeOf = ({ drain, upstreams, audit }: Timed): StopTime => {
  const delay = drain.delay;
  const maxWait = Math.max(...upstreams.map(({ queue }) => queue.max_wait));
  const answer = Math.max(...upstreams.map(({ timeouts }) => timeouts.answer));
  const closing = CLOSING_MS + audit.disk_timeout;
  return { delay, maxWait, answer, closing, all: delay + maxWait + answer + closing };
};
