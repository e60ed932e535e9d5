/**
 * Roles that change again and again under load: what is lost without an honest word, what runs twice, and how long
 * nobody is served.
 */
import { aGateway } from "../kit/gateway.ts";
import { RecordingOcs } from "../kit/recording-ocs.ts";
import { work, type Asked } from "./client.ts";
import { check } from "./history.ts";
import { seeded } from "./random.ts";
import { clientOf, SHARED, TENANTS, upstreamOf, worldConfig } from "./world.ts";

export type Switchovers = {
  readonly requests: number;
  readonly violations: readonly string[];
  /** Neither OCS's answer nor a refusal with its code, and not hung up. */
  readonly unsaid: number;
  /** Milliseconds from each change of roles to the next request that OCS answered. */
  readonly gaps: readonly number[];
};

export type SwitchoverOptions = {
  readonly times: number;
  readonly seed: number;
  /** Milliseconds between changes. */ readonly every: number;
};

export const switchOverAndOver = async ({ times, seed, every }: SwitchoverOptions): Promise<Switchovers> => {
  const [shared, alone] = [
    await RecordingOcs.start("shared", seeded(seed)),
    await RecordingOcs.start("alone", seeded(seed + 1)),
  ];
  const gateway = await aGateway(worldConfig({ shared, alone }), TENANTS.map(clientOf));
  try {
    const asked: Asked[] = [];
    let over = false;
    const working = Promise.all(
      SHARED.flatMap((tenant) =>
        Array.from({ length: 2 }, (_, seat) =>
          work({
            port: gateway.port,
            tenant,
            seat,
            random: seeded(seed + tenant * 10 + seat),
            ledger: asked,
            more: () => !over,
            think: 5,
          }),
        ),
      ),
    );
    const changes: number[] = [];
    for (let change = 0; change < times; change++) {
      await new Promise((resolve) => setTimeout(resolve, every));
      changes.push(performance.now());
      void shared.switchOver();
    }
    await new Promise((resolve) => setTimeout(resolve, every));
    over = true;
    await working;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return {
      requests: asked.length,
      violations: check({
        asked,
        received: [...shared.ledger, ...alone.ledger],
        journal: await gateway.journal(),
        upstreamOf,
      }),
      unsaid: asked.filter(({ seen, hungUp }) => !hungUp && seen?.origin !== "ocs" && seen?.code === undefined).length,
      gaps: changes.map((at) => nextAnswer(asked, at) - at),
    };
  } finally {
    await gateway.stop();
    await Promise.all([shared.close(), alone.close()]);
  }
};

/** Of a request that was asked after the change: what was under way may still be answered by the old primary. */
const nextAnswer = (asked: readonly Asked[], change: number): number =>
  Math.min(...asked.flatMap(({ issued, seen }) => (issued >= change && seen?.origin === "ocs" ? [seen.at] : [])));
