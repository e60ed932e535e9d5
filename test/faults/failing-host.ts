/**
 * A gateway process under load whose machine fails it: its disk, its clock. What clients, OCS and the journal saw must
 * agree all the same.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Recorded } from "../../src/journal/entry.ts";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { verifyJournal } from "../../src/journal/verify/verify.ts";
import { keyBeside } from "../journal/kit.ts";
import { aConfigured } from "../kit/gateway.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";
import { RecordingOcs } from "../kit/recording-ocs.ts";
import type { Asked } from "./client.ts";
import { judge, judgeNumbers, load } from "./kill.ts";
import { seeded } from "./random.ts";
import { clientOf, TENANTS, worldConfig } from "./world.ts";

export type Siege = {
  readonly gateway: GatewayProcess;
  readonly asked: readonly Asked[];
  /** Asks from eight connections until it is true, or the deadline has passed; resolves with whether it came true. */
  readonly loadUntil: (isDone: () => boolean, deadlineMs?: number) => Promise<boolean>;
  /** Stops the gateway in order; then what is wrong, and the journal. */
  readonly end: () => Promise<{ violations: string[]; entries: Recorded[] }>;
};

type Options = {
  readonly seed: number;
  /** Members of `audit` in the config. */
  readonly audit?: object;
  /** Given the journal's directory. */
  readonly process?: (audit: string) => Parameters<typeof startGateway>[1];
  /** Resolves with what undoes it. */
  readonly prepare?: (audit: string) => Promise<() => void>;
};

const CALLERS = [101, 102, 103, 104];

/** `work` is given the siege; whatever happens, nothing is left running. */
export const besiege = async (
  { seed, audit = {}, process: options = () => ({}), prepare }: Options,
  work: (siege: Siege) => Promise<void>,
): Promise<void> => {
  const [shared, alone] = [
    await RecordingOcs.start("shared", seeded(seed)),
    await RecordingOcs.start("alone", seeded(seed)),
  ];
  const config = worldConfig({ shared, alone, answer: "5s" });
  const dir = await aConfigured({ ...config, audit: { ...config.audit, ...audit } }, TENANTS.map(clientOf));
  const place = join(dir, "audit");
  let gateway: GatewayProcess | undefined;
  let undo: (() => void) | undefined;
  try {
    undo = await prepare?.(place);
    const running = (gateway = await startGateway(join(dir, "ocsgw.yaml"), options(place)));
    const asked: Asked[] = [];
    let shifts = 0;
    await work({
      gateway,
      asked,
      loadUntil: async (isDone, deadlineMs = 20_000) => {
        const shift = ++shifts;
        const deadline = performance.now() + deadlineMs;
        const over = {
          get yet() {
            return isDone() || performance.now() > deadline;
          },
        };
        await Promise.all(
          CALLERS.flatMap((tenant) =>
            [0, 1].map((seat) =>
              load({
                port: running.port,
                tenant,
                name: `${tenant}-${shift}-${seat}`,
                random: seeded(seed + shift * 100 + tenant * 10 + seat),
                asked,
                dead: over,
                think: 2,
              }),
            ),
          ),
        );
        return isDone();
      },
      end: async () => {
        await running.end("SIGTERM");
        const entries = await Array.fromAsync(readEntries(place));
        const { verdict, findings } = await verifyJournal(place, { vkey: await keyBeside(place) });
        const broken =
          verdict === "ok" ? [] : [`C4: the journal is ${verdict}: ${findings.map(({ text }) => text).join("; ")}`];
        return {
          violations: [
            ...judge({ asked, received: shared.ledger, entries, from: 0 }),
            ...judgeNumbers(entries, new Map()),
            ...broken,
          ],
          entries,
        };
      },
    });
  } finally {
    await gateway?.end("SIGKILL");
    await Promise.all([shared.close(), alone.close()]);
    undo?.();
    await rm(dir, { recursive: true, force: true });
  }
};
