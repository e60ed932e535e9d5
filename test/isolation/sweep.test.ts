/**
 * One tenant tries every handle there may be, while another works. OCSGW_SWEEP=100000 tries as many as an OCS has in a
 * day.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawClient } from "../kit/raw-client.ts";
import { aWorld, statusOf, TENANTS, textOf, type World } from "./world.ts";

const HANDLES = Number(process.env["OCSGW_SWEEP"] ?? 4000);
const LIVE = HANDLES >= 100_000 ? 1000 : 100;
const STRIDE = Math.floor(HANDLES / LIVE);
const CONNECTIONS = 4;
const AHEAD = 8;

let world: World;
beforeAll(async () => {
  world = await aWorld();
});
afterAll(async () => {
  await world.close();
});

describe("a sweep over handles", () => {
  it(
    `handles 1 to ${HANDLES}: no request of the sweeper reaches OCS, the other tenant has no error, an alarm is raised`,
    { timeout: 600_000 },
    async () => {
      const { alpha, beta } = TENANTS;
      const live = Array.from({ length: LIVE }, (_, index) => 1 + index * STRIDE);
      for (const handle of live)
        if (handle !== alpha.handle && handle !== beta.handle) await world.announce(beta, handle);
      const answers = new Map<number, number>();
      const sweep = async (part: number): Promise<void> => {
        const client = await rawClient(world.gateway.port);
        const mine = Array.from({ length: HANDLES }, (_, index) => index + 1).filter(
          (handle) => handle % CONNECTIONS === part && handle !== alpha.handle,
        );
        for (let at = 0; at < mine.length; at += AHEAD) {
          const batch = mine.slice(at, at + AHEAD);
          await client.send(
            batch
              .map((handle) =>
                textOf({ as: "alpha", target: `/records/${handle}?req=UpdateCallCompletionStats`, body: "{}" }),
              )
              .join(""),
          );
          for (const _ of batch) {
            const { status } = await client.reply();
            answers.set(status, (answers.get(status) ?? 0) + 1);
          }
        }
        client.close();
      };
      const work = async (): Promise<number[]> => {
        const statuses: number[] = [];
        for (const handle of live)
          statuses.push(
            statusOf(
              await world.ask({ as: "beta", target: `/records/${handle}?req=UpdateCallCompletionStats`, body: "{}" }),
            ),
          );
        return statuses;
      };
      const [worked] = await Promise.all([work(), ...Array.from({ length: CONNECTIONS }, (_, part) => sweep(part))]);
      expect(worked.filter((status) => status !== 200)).toEqual([]);
      expect([...answers.keys()].filter((status) => status !== 410 && status !== 429)).toEqual([]);
      expect(answers.get(410)).toBeGreaterThan(0);
      expect(world.seen().shared.requests).toBe(live.length);
      // A sweep that takes less than a second is over before the alarm.
      const find = async (wanted: string) => (await world.gateway.journal()).find(({ kind }) => kind === wanted)!;
      await expect.poll(() => find("alarm"), { timeout: 10_000 }).toBeDefined();
      const [first, alarm] = [await find("refusal"), await find("alarm")];
      expect(alarm).toMatchObject({ kind: "alarm", tenant: { dbid: alpha.dbid } });
      expect(Date.parse(alarm.time) - Date.parse(first.time)).toBeLessThan(5000);
    },
  );
});
