/** One seed from start to end: the storm, the calm after it, and the last look. */
import { Agents } from "./agents.ts";
import { BACKUP, PRIMARY } from "./config.ts";
import { drive, takeOverTime } from "./globals.ts";
import { judgeJournals } from "./journal-check.ts";
import { NONE, type Mutant } from "./mutants/mutant.ts";
import { Ocs, type Standby } from "./ocs.ts";
import { makePlan, Nemesis, type Plan } from "./nemesis.ts";
import type { Violation } from "./trace.ts";
import { World } from "./world.ts";

export type Outcome = {
  readonly seed: string;
  readonly violations: readonly Violation[];
  readonly trace: readonly string[];
  readonly steps: number;
  readonly digest: number;
  readonly virtualMs: number;
  readonly asked: number;
  readonly plan: Plan;
};

/** So much of the steps is storm; the rest is the calm in which everything must work again. */
const STORM = 0.7;
const STEPS_BETWEEN_LOOKS = 8;

export type RunOptions = {
  readonly seed: string;
  readonly steps: number;
  readonly mutant?: Mutant;
  readonly plan?: Partial<Plan>;
  readonly tolerated?: ReadonlySet<string>;
};

export const simulate = async ({
  seed,
  steps,
  mutant = NONE,
  plan: given,
  tolerated = new Set(),
}: RunOptions): Promise<Outcome> => {
  const gateways = given?.gateways ?? 1;
  const world = new World(seed, mutant, gateways);
  takeOverTime(world.scheduler);
  world.trace.tolerated = tolerated;
  const plan = { ...makePlan(world.fork("plan"), steps, gateways), ...given };
  const agents = new Agents(world, plan.agents);
  const ocs = (name: string, address: string, standby: Standby): Ocs =>
    new Ocs({
      ...plan,
      world,
      name,
      host: world.network.host(address),
      standby,
      isAlone: () => pair.every((each) => each.parts.name === name || each.role !== "active"),
      opened: (record) => agents.opened(record),
      closed: (record) => agents.closed(record),
    });
  const pair: readonly [Ocs, Ocs] = [ocs("primary", PRIMARY, plan.standby), ocs("backup", BACKUP, plan.standby)];
  world.checks.pair = pair;
  world.variant = { ...world.variant, validator: plan.validator, window: plan.window, ...mutant.variant };
  const uninstall = mutant.install?.(world);
  pair[0].start("active");
  pair[1].start("standby");
  world.start();
  const nemesis = new Nemesis(world, pair, plan);
  const stormEnd = Math.floor(steps * STORM);
  nemesis.begin();
  const isRunning = (): boolean => world.trace.violations.length === 0 && world.scheduler.steps < steps;
  const caught = (error: unknown): void =>
    world.trace.violate("I0", `unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.on("unhandledRejection", caught);
  try {
    await drive(() => {
      if (world.scheduler.steps % STEPS_BETWEEN_LOOKS === 0) world.checks.epochs.watch();
      nemesis.look(stormEnd);
      return isRunning() && world.scheduler.step();
    });
    if (world.trace.violations.length === 0) await finish(world, nemesis, agents);
  } finally {
    process.off("unhandledRejection", caught);
    uninstall?.();
    world.end();
  }
  const { violations, digest } = world.trace;
  return {
    seed,
    violations,
    trace: world.trace.last(4000),
    steps: world.scheduler.steps,
    digest,
    virtualMs: world.scheduler.now,
    asked: world.checks.asked.size,
    plan,
  };
};

/** Steps that the end may take. */
const LAST_STEPS = 20_000;
const CALM_MS = 45_000;

/** Waits until the calm was long enough, then stops everything in order and judges what is left. */
const finish = async (world: World, nemesis: Nemesis, agents: Agents): Promise<void> => {
  const limit = world.scheduler.steps + LAST_STEPS;
  const run = (goOn: () => boolean): Promise<void> =>
    drive(
      () => world.trace.violations.length === 0 && world.scheduler.steps < limit && goOn() && world.scheduler.step(),
    );
  nemesis.calm();
  await run(
    () => world.scheduler.now < world.calmSince! + CALM_MS && !(nemesis.isSettled && agents.unfinished.length === 0),
  );
  if (world.trace.violations.length > 0) return;
  for (const [record, how] of agents.unfinished.slice(0, 3))
    world.trace.violate("I5", `record ${record.handle} of ${record.tenant.name} is not finished in the calm: ${how}`);
  if (!world.isUp) world.trace.violate("I5", "a gateway does not serve in the calm");
  world.checks.epochs.judgeAgreement();
  if (world.trace.violations.length > 0) return;
  let isStopped = false;
  void world.stopForGood().then(() => {
    isStopped = true;
  });
  await run(() => !isStopped);
  if (!isStopped) world.trace.violate("I5", "the gateway does not stop");
  world.checks.atEnd();
  if (world.trace.violations.length === 0) await judgeJournals(world);
};
