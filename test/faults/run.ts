/** One run: a whole gateway between clients and OCS, under faults; then the judgement and the figures. */
import { aGateway } from "../kit/gateway.ts";
import { RecordingOcs } from "../kit/recording-ocs.ts";
import { work, type Asked } from "./client.ts";
import { check, type History } from "./history.ts";
import { rage, type Fault } from "./nemesis.ts";
import { seeded } from "./random.ts";
import { ALONE, clientOf, CONNECTIONS, TENANTS, upstreamOf, worldConfig } from "./world.ts";

export type RunOptions = {
  readonly requests: number;
  readonly seed: number;
  /** Milliseconds between a client's bursts, in the mean. */
  readonly think: number;
  /** none: tenants share connections, which the checker must notice. */
  readonly laneIsolation?: "tenant" | "none";
};

export type Run = { readonly violations: readonly string[]; readonly figures: Figures; readonly history: History };

export type Figures = {
  readonly requests: number;
  readonly seconds: number;
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often each outcome was seen: "200 answered", "504 sent-no-answer OCSGW-4101", "hung up". */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Connections that the gateway made to OCS. */
  readonly connections: number;
  /** Requests far from any fault, how many of them OCS answered, and what became of the rest. */
  readonly calm: {
    readonly asked: number;
    readonly answered: number;
    readonly others: Readonly<Record<string, number>>;
  };
};

export const run = async ({ requests, seed, think, laneIsolation = "tenant" }: RunOptions): Promise<Run> => {
  const random = seeded(seed);
  const [shared, alone] = [
    await RecordingOcs.start("shared", seeded(seed + 1)),
    await RecordingOcs.start("alone", seeded(seed + 2)),
  ];
  const gateway = await aGateway(worldConfig({ shared, alone, laneIsolation }), TENANTS.map(clientOf));
  try {
    const [asked, faults]: [Asked[], Fault[]] = [[], []];
    const began = performance.now();
    let left = requests;
    let over = false;
    const raging = rage({ ocs: shared, random, faults, over: () => over });
    const more = (): boolean => left-- > 0;
    await Promise.all(
      TENANTS.flatMap((tenant) =>
        Array.from({ length: tenant === ALONE ? 4 : CONNECTIONS }, (_, seat) =>
          work({
            port: gateway.port,
            tenant,
            seat,
            random: seeded(seed + tenant * 100 + seat),
            ledger: asked,
            more,
            think,
          }),
        ),
      ),
    );
    over = true;
    await raging;
    const ended = performance.now();
    // What clients left behind runs to its end, so that nothing is in doubt when the journal is read.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const history: History = {
      asked,
      received: [...shared.ledger, ...alone.ledger],
      journal: await gateway.journal(),
      upstreamOf,
    };
    return {
      violations: check(history),
      history,
      figures: figuresOf(asked, faults, {
        seconds: (ended - began) / 1000,
        connections: shared.connections + alone.connections,
      }),
    };
  } finally {
    await gateway.stop();
    await Promise.all([shared.close(), alone.close()]);
  }
};

const CALM_AFTER_MS = 1000;
/** What is asked so shortly before a fault may still wait when it strikes. */
const CALM_BEFORE_MS = 500;

const figuresOf = (
  asked: readonly Asked[],
  faults: readonly Fault[],
  rest: Pick<Figures, "seconds" | "connections">,
): Figures => {
  const calm = asked.filter(
    ({ issued, hungUp }) =>
      !hungUp && faults.every(({ from, to }) => issued < from - CALM_BEFORE_MS || issued > to + CALM_AFTER_MS),
  );
  return {
    ...rest,
    requests: asked.length,
    faults: countBy(faults, ({ name }) => name),
    outcomes: countBy(asked, outcomeOf),
    calm: {
      asked: calm.length,
      answered: calm.filter(isAnswered).length,
      others: countBy(
        calm.filter((each) => !isAnswered(each)),
        outcomeOf,
      ),
    },
  };
};

const isAnswered = ({ seen }: Asked): boolean => seen?.origin === "ocs";

const outcomeOf = ({ seen, hungUp }: Asked): string => {
  if (!seen) return hungUp ? "hung up" : "no reply";
  return [seen.status, seen.delivery, ...(seen.code === undefined ? [] : [seen.code])].join(" ");
};

const countBy = <Item>(items: readonly Item[], key: (item: Item) => string): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(items, key)]
      .map(([name, those]): [string, number] => [name, those.length])
      .sort(([a], [b]) => a.localeCompare(b)),
  );
