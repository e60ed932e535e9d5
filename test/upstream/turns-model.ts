/**
 * Lanes and clients in virtual time around the real queue and turns: what the scheduler does, without a machine's
 * noise.
 */
import { vi } from "vitest";
import { FairQueue, type QueueItem } from "../../src/upstream/fair-queue.ts";
import { ServiceTime } from "../../src/upstream/service-time.ts";
import { Turns, type Turn } from "../../src/upstream/turns.ts";

export type Asking = {
  readonly tenant: string;
  /** Each asks again once it has its answer. */
  readonly clients: number;
  readonly share?: number;
  /** Milliseconds before a client asks, on average. */
  readonly think?: number;
};

export type Model = {
  readonly lanes: number;
  /** Milliseconds, on average, with a spread of a fifth. */
  readonly connect: number;
  readonly exchange: number;
  readonly asking: readonly Asking[];
  readonly requests: number;
  readonly onePerTenant?: boolean;
  /** Milliseconds that a request may wait. */
  readonly maxWait?: number;
  readonly random: () => number;
};

export type Modelled = {
  readonly connections: number;
  readonly perHundred: number;
  /** Milliseconds from asking to the answer. */
  readonly p50: number;
  readonly p99: number;
  readonly served: ReadonlyMap<string, number>;
  /** The longest wait for a lane of each tenant, in milliseconds. */
  readonly longest: ReadonlyMap<string, number>;
  /** By tenant, its connections. */
  readonly connected: ReadonlyMap<string, number>;
  /** Requests that were never served. */
  readonly left: number;
};

type Job = QueueItem & { readonly at: number; readonly think: number };
type ModelLane = { tenant: string | undefined; since: number };

export const model = (settings: Model): Modelled => {
  const { lanes: count, connect, exchange, asking, requests, onePerTenant = true, maxWait = 30_000, random } = settings;
  let now = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  const events: { readonly at: number; readonly order: number; readonly act: () => void }[] = [];
  let order = 0;
  const later = (ms: number, act: () => void): void => {
    const event = { at: now + ms, order: order++, act };
    let place = events.length;
    while (place > 0 && events[place - 1]!.at > event.at) place--;
    events.splice(place, 0, event);
  };
  const about = (ms: number): number => ms * (0.8 + 0.4 * random());
  const shares = new Map(asking.map(({ tenant, share = 1 }) => [tenant, share]));
  const shareOf = (tenant: string): number => shares.get(tenant) ?? 1;
  const queue = new FairQueue<Job>({ max: 1e6, maxBytes: 1e9 }, shareOf);
  const pace = new ServiceTime();
  const free = new Set<ModelLane>();
  const lanes = Array.from({ length: count }, (): ModelLane => ({ tenant: undefined, since: 0 }));
  for (const lane of lanes) free.add(lane);
  const options = { connections: count, onePerTenant, queue: { maxWait }, shareOf };
  const turns = new Turns<ModelLane>(queue, pace, free, options);
  turns.retune(options, lanes);
  const waits: number[] = [];
  const served = new Map<string, number>();
  const longest = new Map<string, number>();
  const connected = new Map<string, number>();
  let [asked, connections] = [0, 0];

  const ask = (tenant: string, think: number): void => {
    if (asked++ >= requests) return;
    const job: Job = { tenant, bytes: 1, urgent: false, at: now, think };
    turns.noteRequest(tenant, now);
    const lane = queue.size === 0 && free.size > 0 ? turns.laneFor(tenant) : undefined;
    if (lane) return run(lane, job, begin(lane, tenant));
    queue.push(job);
    assign();
  };
  const assign = (): void => {
    while (free.size > 0 && queue.size > 0) {
      const match = turns.match();
      if (!match) return;
      const turn = begin(match.lane, match.tenant);
      run(match.lane, queue.take(match.tenant)!, turn);
    }
  };
  const begin = (lane: ModelLane, tenant: string): Turn => {
    free.delete(lane);
    return turns.begin(lane, tenant);
  };
  const run = (lane: ModelLane, job: Job, turn: Turn): void => {
    longest.set(job.tenant, Math.max(longest.get(job.tenant) ?? 0, now - job.at));
    turn.left--;
    let busy = about(exchange);
    pace.noteExchange(busy);
    if (lane.tenant === undefined || (onePerTenant && lane.tenant !== job.tenant)) {
      connections++;
      connected.set(job.tenant, (connected.get(job.tenant) ?? 0) + 1);
      const connecting = about(connect);
      pace.noteConnect(connecting);
      busy += connecting;
    }
    lane.tenant = job.tenant;
    later(busy, () => {
      lane.since = now;
      waits.push(now - job.at);
      served.set(job.tenant, (served.get(job.tenant) ?? 0) + 1);
      later(about(job.think), () => ask(job.tenant, job.think));
      if (turns.continueTurn(lane, turn)) return run(lane, queue.take(turn.tenant)!, turn);
      free.add(lane);
      assign();
    });
  };

  // One after the other, so that nobody has a head start.
  for (let client = 0; client < Math.max(...asking.map(({ clients }) => clients)); client++) {
    for (const { tenant, clients, think = 0 } of asking) {
      if (client < clients) later(about(think), () => ask(tenant, think));
    }
  }
  while (events.length > 0) {
    const event = events.shift()!;
    now = event.at;
    event.act();
  }
  clock.mockRestore();
  const steady = waits.slice(waits.length / 5).toSorted((one, other) => one - other);
  return {
    connections,
    served,
    longest,
    connected,
    perHundred: (100 * connections) / waits.length,
    p50: steady[steady.length >> 1]!,
    p99: steady[Math.floor(steady.length * 0.99)]!,
    left: queue.size,
  };
};
