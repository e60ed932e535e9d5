import type { Counts } from "../admin/counters.ts";
import type { RecentActivity } from "../admin/recent/recent-activity.ts";
import type { PipelineDeps } from "../gateway/pipeline.ts";
import type { Revocations } from "../identity/credentials.ts";
import type { LaneLeases } from "../cluster/leases/lanes/lane-leases.ts";
import type { LimitLeases } from "../cluster/leases/limits/limit-leases.ts";
import type { Journal } from "../journal/journal.ts";
import type { Keys } from "./wiring/idempotency/keys.ts";
import type { TelemetryKeeper } from "./telemetry.ts";
import type { Cluster } from "./wiring/cluster/cluster.ts";
import type { NoAnswers } from "./wiring/no-answers.ts";
import type { Records } from "./wiring/ownership.ts";

/** What exists before the first generation and after the last one. */
export type SharedServices = {
  readonly journal: Journal;
  readonly counts: Counts;
  /** When left out, the last 60 minutes are not kept. */
  readonly recent?: Pick<RecentActivity, "observe">;
  readonly revocations: Revocations;
  /** When left out, this gateway is alone. */
  readonly cluster?: Cluster | undefined;
  /** When left out, the upstreams' lanes are this gateway's alone. */
  readonly lanes?: LaneLeases | undefined;
  /** When left out, rate limits are counted by this gateway alone. */
  readonly limits?: LimitLeases | undefined;
  readonly records: Records;
  /** When left out, idempotency keys are ignored. */
  readonly keys?: Pick<Keys, "claimerFor"> | undefined;
  /** When left out, clients cannot ask what became of their requests. */
  readonly requests?: PipelineDeps["requests"];
  /** When left out, no Do-Not-Call is handed over. */
  readonly outbox?: PipelineDeps["outbox"];
  /** When left out, requests without an answer are not logged. */
  readonly noAnswers?: Pick<NoAnswers, "observe">;
  /** When left out, requests are not traced. */
  readonly telemetry?: Pick<TelemetryKeeper, "observe">;
  /** Called for every request when its reply is decided. Must not throw. */
  readonly onReply?: PipelineDeps["observe"] | undefined;
};
