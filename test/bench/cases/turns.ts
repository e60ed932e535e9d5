/**
 * Peers in turns, A B C A B C …, so that whatever happens to the machine happens to all of them; and the median of each
 * one's turns.
 */
import type { Crowd, Outcome, Run } from "../programs/client-words.ts";
import type { Child } from "../rig/processes.ts";
import type { Opened, Rig, Upstream } from "../rig/rig.ts";
import { median } from "../statistics.ts";

export type Runner = {
  readonly name: string;
  readonly child: Child;
  readonly upstream: Upstream;
  readonly crowd: Opened;
  /** Called once in each turn, while the clients send. */
  readonly meanwhile?: () => Promise<void>;
};

/** Of one turn. */
export type Turn = {
  readonly outcome: Outcome;
  /** CPU microseconds of the peer for each request. */
  readonly cpu: number;
  readonly perSecond: number;
  /** How much of its core the peer had, 0 to 1. */
  readonly peerBusy: number;
  /** Connections that the upstream accepted in this turn, per 1,000 requests. */
  readonly newConnections: number;
};

export const takeTurns = async (
  runners: readonly Runner[],
  { rounds, run }: { readonly rounds: number; readonly run: Run },
): Promise<ReadonlyMap<string, readonly Turn[]>> => {
  const turns = new Map<string, Turn[]>(runners.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const runner of runners) turns.get(runner.name)!.push(await takeTurn(runner, run));
  return turns;
};

/** It is requests and not time that get code compiled: on a busy machine they take their time. */
const LONGEST_WARM_UP_MS = 60_000;

/**
 * Opens the crowd and has it ask at once: code gets compiled, and no server takes a connection for one that never says
 * anything.
 */
export const gather = async (
  rig: Rig,
  { warmUp, ...rest }: Omit<Runner, "crowd"> & { readonly warmUp: number },
  crowd: Crowd,
): Promise<Runner> => {
  const runner = { ...rest, crowd: await rig.open(crowd) };
  await takeTurn(runner, { kind: "closed", ms: LONGEST_WARM_UP_MS, requests: warmUp });
  return runner;
};

export const dismiss = async (runners: readonly Runner[]): Promise<void> => {
  for (const { crowd } of runners) await crowd.close();
  await Promise.all([...new Set(runners.map(({ child }) => child))].map((child) => child.stop()));
};

export const takeTurn = async ({ name, child, upstream, crowd, meanwhile }: Runner, run: Run): Promise<Turn> => {
  const { connections } = await upstream.counts();
  const before = child.cpu();
  const [outcome] = await Promise.all([crowd.run(run), meanwhile?.()]).catch((cause: unknown) => {
    throw new Error(`${name}: ${String(cause)} ${child.complaints().slice(-500)}`, { cause });
  });
  const cpu = child.cpu() - before;
  const opened = (await upstream.counts()).connections - connections;
  refuseOddAnswers(name, outcome);
  const { done, seconds } = outcome;
  return {
    outcome,
    cpu: cpu / done,
    perSecond: done / seconds,
    peerBusy: cpu / 1e6 / seconds,
    newConnections: (1000 * opened) / done,
  };
};

/** A peer that refuses is quick for the wrong reason. */
export const refuseOddAnswers = (name: string, { statuses }: Outcome): void => {
  if (Object.keys(statuses).some((status) => status !== "200"))
    throw new Error(`${name} did not answer 200 to everything: ${JSON.stringify(statuses)}`);
};

export const medianOf = (turns: readonly Turn[], what: (turn: Turn) => number): number => median(turns.map(what));

/** The median over rounds of one peer's figure against another's in the same round; NaN without both. */
export const ratioOf = (
  turns: ReadonlyMap<string, readonly Turn[]>,
  [name, against]: readonly [string, string],
  what: (turn: Turn) => number,
): number => {
  const [ours = [], theirs = []] = [turns.get(name), turns.get(against)];
  const ratios = ours.flatMap((turn, round) => (theirs[round] === undefined ? [] : [what(turn) / what(theirs[round])]));
  return ratios.length === 0 ? Number.NaN : median(ratios);
};
